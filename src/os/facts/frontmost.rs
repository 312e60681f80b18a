//! Whose window has the focus, from whichever desktop is there.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::os::process::{Environment, Keep, run};

/// How long a desktop's tool may take.
const LIMIT: Duration = Duration::from_millis(250);

/// Most windows looked at in a tree of windows.
const MAX_WINDOWS: usize = 10_000;

/// Asks the desktop.
#[derive(Debug)]
pub(super) struct Frontmost {
    environment: Environment,
    told: AtomicBool,
}

/// A desktop that can be asked.
enum Desktop {
    Hyprland,
    Sway,
    X11,
}

impl Frontmost {
    pub(super) fn new(environment: Environment) -> Self {
        Self { environment, told: AtomicBool::new(false) }
    }

    /// The names the focused window goes by (program, window class), in lower case; none where nothing has the focus or
    /// nobody can be asked.
    pub(super) fn names(&self) -> Vec<String> {
        let names = match self.desktop() {
            Some(Desktop::Hyprland) => self.ask("hyprctl", &["activewindow", "-j"]).map(|text| hyprland(&text)),
            Some(Desktop::Sway) => self.ask("swaymsg", &["-t", "get_tree", "-r"]).map(|text| sway(&text)),
            Some(Desktop::X11) => self.x11(),
            None => Err("no desktop was found (none of WAYLAND_DISPLAY with Sway or Hyprland, and DISPLAY)".to_owned()),
        };
        names.unwrap_or_else(|reason| {
            if !self.told.swap(true, Ordering::Relaxed) {
                log::warn!("AppFrontmost cannot be told and counts as false: {reason}");
            }
            Vec::new()
        })
    }

    fn desktop(&self) -> Option<Desktop> {
        let set = |name| self.environment.get(name).is_some();
        if set("HYPRLAND_INSTANCE_SIGNATURE") {
            Some(Desktop::Hyprland)
        } else if set("SWAYSOCK") {
            Some(Desktop::Sway)
        } else if set("DISPLAY") {
            Some(Desktop::X11)
        } else {
            None
        }
    }

    fn x11(&self) -> Result<Vec<String>, String> {
        if self.environment.find("xprop").is_ok() {
            let root = self.ask("xprop", &["-root", "-notype", "_NET_ACTIVE_WINDOW"])?;
            let Some(window) = window_id(&root) else { return Ok(Vec::new()) };
            return self.ask("xprop", &["-id", &window, "-notype", "WM_CLASS"]).map(|text| window_class(&text));
        }
        if self.environment.find("xdotool").is_ok() {
            let process = self.ask("xdotool", &["getactivewindow", "getwindowpid"])?;
            let digits = process.trim();
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Ok(Vec::new());
            }
            let name = std::fs::read_to_string(PathBuf::from("/proc").join(digits).join("comm")).unwrap_or_default();
            return Ok(vec![name.trim().to_lowercase()]);
        }
        Err("neither xprop nor xdotool is installed; install x11-utils".to_owned())
    }

    fn ask(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let file = self.environment.find(program).map_err(|error| error.to_string())?;
        let ended = run(&self.environment, &file, arguments, Keep::Output, LIMIT).map_err(|error| error.to_string())?;
        if ended.status.success() { Ok(ended.text) } else { Err(format!("{program} ended with {}", ended.status)) }
    }
}

/// The window in `_NET_ACTIVE_WINDOW: window id # 0x1e00004`, or behind a `=` where it was written as a plain number.
fn window_id(text: &str) -> Option<String> {
    let (_, id) = text.split_once(['#', '='])?;
    let id = id.split([',', '\n']).next()?.trim();
    let number = match id.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => id.parse(),
    };
    // 0 is how a window manager says that no window has the focus.
    number.ok().filter(|number| *number != 0).map(|number| format!("{number:#x}"))
}

/// The names in `WM_CLASS = "Navigator", "firefox"`.
fn window_class(text: &str) -> Vec<String> {
    let Some((_, names)) = text.split_once('=') else { return Vec::new() };
    names.split('"').skip(1).step_by(2).filter(|name| !name.is_empty()).map(str::to_lowercase).collect()
}

/// The names in what `hyprctl activewindow -j` says.
fn hyprland(text: &str) -> Vec<String> {
    let window: Value = serde_json::from_str(text).unwrap_or_default();
    ["class", "initialClass"].iter().filter_map(|key| named(&window[key])).collect()
}

/// The names of the focused window in the tree of `swaymsg -t get_tree`.
fn sway(text: &str) -> Vec<String> {
    let tree: Value = serde_json::from_str(text).unwrap_or_default();
    let mut open = vec![&tree];
    let mut seen = 0;
    while let Some(node) = open.pop() {
        if node["focused"] == Value::Bool(true) {
            let properties = &node["window_properties"];
            let names = [&node["app_id"], &properties["class"], &properties["instance"]];
            return names.into_iter().filter_map(named).collect();
        }
        seen += 1;
        if seen > MAX_WINDOWS {
            break;
        }
        for children in ["nodes", "floating_nodes"] {
            open.extend(node[children].as_array().into_iter().flatten());
        }
    }
    Vec::new()
}

fn named(value: &Value) -> Option<String> {
    value.as_str().filter(|name| !name.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xprop_says_is_understood() {
        assert_eq!(window_id("_NET_ACTIVE_WINDOW: window id # 0x1e00004\n").as_deref(), Some("0x1e00004"));
        assert_eq!(window_id("_NET_ACTIVE_WINDOW: window id # 0x1e00004, 0x0\n").as_deref(), Some("0x1e00004"));
        assert_eq!(window_id("_NET_ACTIVE_WINDOW = 1293\n").as_deref(), Some("0x50d"));
        for nothing in ["_NET_ACTIVE_WINDOW: window id # 0x0", "_NET_ACTIVE_WINDOW:  not found.", "# 0x; reboot", "#"] {
            assert_eq!(window_id(nothing), None, "{nothing}");
        }
        assert_eq!(window_class("WM_CLASS = \"Navigator\", \"Firefox\"\n"), ["navigator", "firefox"]);
        assert!(window_class("WM_CLASS:  not found.\n").is_empty());
    }

    #[test]
    fn what_sway_and_hyprland_say_is_understood() {
        let tree = r#"{"focused":false,"nodes":[{"focused":false,"nodes":[
            {"focused":false,"app_id":"foot"},
            {"focused":true,"app_id":null,"window_properties":{"class":"Gimp","instance":"gimp-2.10"}}]}]}"#;
        assert_eq!(sway(tree), ["gimp", "gimp-2.10"]);
        let floating = r#"{"nodes":[],"floating_nodes":[{"focused":true,"app_id":"org.gnome.Calculator"}]}"#;
        assert_eq!(sway(floating), ["org.gnome.calculator"]);
        assert_eq!(hyprland(r#"{"class":"Kitty","initialClass":"kitty","title":"~"}"#), ["kitty", "kitty"]);
        for nonsense in ["", "{", "[]", "null", "Invalid"] {
            assert!(sway(nonsense).is_empty() && hyprland(nonsense).is_empty(), "{nonsense}");
        }
    }

    #[test]
    fn without_a_desktop_nothing_is_in_front() {
        let environment = ["HYPRLAND_INSTANCE_SIGNATURE", "SWAYSOCK", "DISPLAY"]
            .into_iter()
            .fold(Environment::inherited(), |set, name| set.with(name, ""));
        assert!(Frontmost::new(environment).names().is_empty());
    }
}
