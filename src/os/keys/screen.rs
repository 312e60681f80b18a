//! How large the screen is: a click at a place needs it, because the device's axes are mapped onto the whole of it.

use std::path::Path;

use crate::effect::EffectError;
use crate::os::process::Environment;

/// Says how large the screen is where the system does not.
const VARIABLE: &str = "CONDUCTOR_SCREEN";

/// Width and height in pixels.
pub(super) fn size(environment: &Environment) -> Result<(i32, i32), EffectError> {
    if let Some(value) = environment.get(VARIABLE) {
        let text = value.to_string_lossy();
        return parse(&text, 'x').ok_or_else(|| {
            EffectError::Failed(format!("{VARIABLE} is \"{text}\"; it must be width x height, for example 1920x1080"))
        });
    }
    from_system(Path::new("/sys/class")).ok_or_else(|| {
        EffectError::Unsupported(format!(
            "a click at a place needs the size of the screen, and this system does not tell it; set {VARIABLE}, for \
             example to 1920x1080"
        ))
    })
}

/// What the kernel knows: the mode of the first screen in use, else the size of the console's frame buffer.
fn from_system(class: &Path) -> Option<(i32, i32)> {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let mut outputs: Vec<_> =
        std::fs::read_dir(class.join("drm")).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    outputs.sort();
    let in_use = outputs.iter().filter(|output| read(&output.join("enabled")).trim() == "enabled");
    let modes = in_use.filter_map(|output| parse(read(&output.join("modes")).lines().next()?, 'x'));
    modes.into_iter().next().or_else(|| parse(&read(&class.join("graphics/fb0/virtual_size")), ','))
}

/// Two positive numbers with `separator` between.
fn parse(text: &str, separator: char) -> Option<(i32, i32)> {
    let (width, height) = text.trim().split_once(separator)?;
    let side = |text: &str| text.trim().parse().ok().filter(|side| (1..=65_536).contains(side));
    Some((side(width)?, side(height)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_or_refused() {
        assert_eq!(parse("1920x1080\n", 'x'), Some((1920, 1080)));
        assert_eq!(parse("800,480", ','), Some((800, 480)));
        for text in ["", "x", "0x5", "-1x5", "99999999x1", "1920"] {
            assert_eq!(parse(text, 'x'), None, "{text}");
        }
    }

    #[test]
    fn a_wrong_setting_is_told() {
        let environment = Environment::inherited().with(VARIABLE, "big");
        let error = size(&environment).expect_err("no size");
        assert!(error.to_string().contains("CONDUCTOR_SCREEN is \"big\""), "{error}");
    }
}
