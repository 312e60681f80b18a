//! An OBS at work.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::support::{Scratch, repository};

/// Longer than any step takes, by far: reached only when a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const PASSWORD: &str = "hunter2hunter2";

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port()
}

/// Until `so`; the test fails where it does not become so.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
}

/// OBS, a screen for it, and its files. Its scenes are `Main`, with a clip and slides, and `Break`, with nothing.
pub(crate) struct Studio {
    screen: Child,
    display: String,
    obs: Child,
    scratch: Scratch,
    pub(crate) port: u16,
    password: Option<&'static str>,
}

impl Studio {
    /// Starts it.
    pub(crate) fn start(password: Option<&'static str>) -> Self {
        let scratch = Scratch::new();
        let (screen, display) = screen();
        let port = free_port();
        configure(scratch.path(), port, password);
        let obs = obs(scratch.path(), &display);
        let studio = Self { screen, display, obs, scratch, port, password };
        studio.listens();
        studio
    }

    /// Where it keeps its files, and puts recordings.
    pub(crate) fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// A client of its own.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.port, self.password)
    }

    /// The server that it streams to, if one listens there.
    pub(crate) fn stream_url(&self) -> String {
        format!("rtmp://127.0.0.1:{}/live", self.port.wrapping_add(1))
    }

    /// Recordings that have something in them, in order.
    pub(crate) fn recordings(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.directory()).expect("a directory").map_while(Result::ok);
        let full = files.filter(|file| file.metadata().is_ok_and(|metadata| metadata.len() > 0));
        let mut files: Vec<PathBuf> = full.map(|file| file.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "mkv"));
        files.sort();
        files
    }

    /// Kills it, as when it crashes.
    pub(crate) fn kill(&mut self) {
        self.obs.kill().expect("it ran");
        self.obs.wait().expect("it ends");
    }

    /// Starts it again.
    pub(crate) fn restart(&mut self) {
        self.obs = obs(self.scratch.path(), &self.display);
        self.listens();
    }

    fn listens(&self) {
        until("OBS listens", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        for child in [&mut self.obs, &mut self.screen] {
            // One that has ended cannot be ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A screen in memory, and its name.
fn screen() -> (Child, String) {
    let mut screen = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb, of Debian's package xvfb");
    let mut said = screen.stdout.take().expect("its output");
    let (mut name, mut byte) = (String::from(":"), [0]);
    while said.read(&mut byte).is_ok_and(|count| count == 1) && byte != *b"\n" {
        name.push(char::from(byte[0]));
    }
    (screen, name)
}

fn obs(directory: &Path, display: &str) -> Child {
    let log = std::fs::File::create(directory.join("obs.log")).expect("a file");
    Command::new("obs")
        .args(["--multi", "--disable-updater", "--minimize-to-tray", "--collection", "Test", "--profile", "Untitled"])
        .env("DISPLAY", display)
        .env("HOME", directory)
        .env("XDG_CONFIG_HOME", directory.join("config"))
        .env("XDG_RUNTIME_DIR", directory.join("run"))
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .expect("obs, of Debian's package obs-studio")
}

/// Writes what OBS finds when it starts.
fn configure(directory: &Path, port: u16, password: Option<&str>) {
    let config = directory.join("config/obs-studio");
    let profile = config.join("basic/profiles/Untitled");
    for made in [&profile, &config.join("basic/scenes")] {
        std::fs::create_dir_all(made).expect("a directory");
    }
    std::fs::DirBuilder::new().mode(0o700).create(directory.join("run")).expect("a directory");
    let write = |path: PathBuf, text: &str| std::fs::write(path, text).expect("a file");
    let (asks, password) = (password.is_some(), password.unwrap_or_default());
    write(
        config.join("global.ini"),
        &format!(
            "[General]\nFirstRun=true\nEnableAutoUpdates=false\nInfoIncrement=99\n\
             [Basic]\nProfile=Untitled\nProfileDir=Untitled\nSceneCollection=Test\nSceneCollectionFile=Test\n\
             [OBSWebSocket]\nFirstLoad=false\nServerEnabled=true\nServerPort={port}\nAlertsEnabled=false\nAuthRequired={asks}\n\
             ServerPassword={password}\n"
        ),
    );
    let files = directory.display();
    write(
        profile.join("basic.ini"),
        &format!(
            "[General]\nName=Untitled\n[Output]\nMode=Advanced\n[AdvOut]\nRecType=Standard\nRecFilePath={files}\nRecFormat=mkv\n\
             Encoder=obs_x264\nRecEncoder=obs_x264\nRecSplitFile=true\nRecSplitFileType=Size\nRecSplitFileSize=2048\nRecRB=true\nRecRBTime=5\n\
             [Video]\nBaseCX=320\nBaseCY=180\nOutputCX=320\nOutputCY=180\nFPSCommon=10\n"
        ),
    );
    // An encoder for each: one that is shared cannot be paused. And a key picture each second, where a file can be split.
    for name in ["streamEncoder.json", "recordEncoder.json"] {
        let settings = r#"{"bitrate":300,"keyint_sec":1,"preset":"ultrafast","rate_control":"CBR"}"#;
        write(profile.join(name), settings);
    }
    let server = format!("rtmp://127.0.0.1:{}/live", port.wrapping_add(1));
    let service = json!({"type": "rtmp_custom", "settings": {"server": server, "key": "k", "use_auth": false}});
    write(profile.join("service.json"), &service.to_string());
    std::fs::write(directory.join("clip.wav"), silence(60)).expect("a file");
    for name in ["a.bmp", "b.bmp"] {
        std::fs::write(directory.join(name), picture()).expect("a file");
    }
    let file = |name: &str| directory.join(name).display().to_string();
    let scenes = json!({
        "name": "Test", "current_scene": "Main", "current_program_scene": "Main",
        "scene_order": [{"name": "Main"}, {"name": "Break"}],
        "current_transition": "Fade", "transition_duration": 300, "transitions": [],
        "sources": [
            {"id": "scene", "name": "Main", "settings": {"id_counter": 2, "items": [
                {"id": 1, "name": "Clip", "visible": true}, {"id": 2, "name": "Slides", "visible": true}]}},
            {"id": "scene", "name": "Break", "settings": {"id_counter": 0, "items": []}},
            {"id": "ffmpeg_source", "name": "Clip",
                "settings": {"local_file": file("clip.wav"), "looping": true, "is_local_file": true},
                "filters": [{"id": "gain_filter", "name": "Gain", "enabled": true, "settings": {"db": 0.0}}]},
            {"id": "slideshow", "name": "Slides", "settings": {"slide_mode": "mode_manual",
                "files": [{"value": file("a.bmp")}, {"value": file("b.bmp")}]}}
        ]
    });
    write(config.join("basic/scenes/Test.json"), &scenes.to_string());
}

/// So many seconds of silence, as a WAV file.
fn silence(seconds: usize) -> Vec<u8> {
    let samples = vec![0x80_u8; 8_000 * seconds];
    let length = u32::try_from(samples.len()).expect("small");
    let mut wav = Vec::from(*b"RIFF");
    wav.extend((length + 36).to_le_bytes());
    wav.extend(*b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data");
    wav.extend(length.to_le_bytes());
    wav.extend(samples);
    wav
}

/// A picture of one dot.
fn picture() -> Vec<u8> {
    let mut bmp = Vec::from(*b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0");
    bmp.resize(54, 0);
    bmp.extend([0x40, 0x80, 0xc0, 0]);
    bmp
}

/// The plugin's section for this OBS.
pub(crate) fn section(port: u16) -> String {
    let plugin = repository("fixtures/plugins/conductor_wasm_obs_control.wasm");
    let url = format!("ws://127.0.0.1:{port}");
    format!(
        "[plugins.obs]\npath = \"{}\"\nresident = true\ngranted_capabilities = [\"Network\"]\nallowed_hosts = [\"{url}\"]\n\
         secrets = {{ password = \"OBS_PASSWORD\" }}\nconfig = {{ url = \"{url}\" }}\n",
        plugin.display()
    )
}

/// A mapping of a note to what the plugin is to do.
pub(crate) fn pad(note: u8, params: &str) -> String {
    format!(
        "[[global_mappings]]\ntrigger = {{ Note = {{ note = {note} }} }}\n\
         action = {{ WasmPlugin = {{ plugin = \"obs\", params = {{ {params} }} }} }}\n"
    )
}
