//! What a configuration sends by itself: requests to servers and Open Sound Control, through the program.
#![cfg(any(feature = "http", feature = "osc"))]

use crate::support::{Program, Scratch, bin};

/// A run of `text` under which pads are pressed, one note after the other from 60 on.
fn run(scratch: &Scratch, text: &str, presses: u8) -> Program {
    let config = scratch.file("config.toml", text);
    let bytes: Vec<u8> = (0..presses).flat_map(|note| [0x90, 60 + note, 100]).collect();
    bin("conductor")
        .args("run --input - --config")
        .arg(config)
        .arg("--data")
        .arg(scratch.path().join("data"))
        .stdin(bytes)
}

/// A mapping of note `60 + number`.
fn mapping(number: u8, action: &str) -> String {
    format!("[[global_mappings]]\ntrigger = {{ Note = {{ note = {} }} }}\naction = {action}\n", 60 + number)
}

#[cfg(feature = "http")]
mod http {
    use super::*;
    use crate::support::server::{Server, answer, read_request};

    /// A server that notes each request and answers 204.
    fn noting() -> Server {
        Server::start(|stream, seen| {
            let request = read_request(stream);
            seen.lock().expect("notes").push(request);
            answer(stream, "204 No Content", "", "");
        })
    }

    fn seen(server: &Server) -> Vec<String> {
        server.seen.lock().expect("notes").clone()
    }

    #[test]
    fn a_pad_asks_a_server_of_this_machine_with_a_secret_that_is_nowhere_else() {
        let (server, scratch) = (noting(), Scratch::new());
        let port = server.port();
        let text = format!(
            "[secrets]\nhue = {{ env = \"HUE\", hosts = [\"http://127.0.0.1:{port}\"] }}\n{}",
            mapping(
                0,
                &format!(
                    "{{ Http = {{ method = \"PUT\", url = \"http://127.0.0.1:{port}/lights/{{note}}?bri={{velocity}}\", \
                     headers = {{ Authorization = \"Bearer {{{{secret:hue}}}}\" }}, body = '{{\"on\":true,\"v\":{{value}}}}' }} }}"
                )
            )
        );
        let journal = scratch.path().join("journal");
        let transcript = scratch.path().join("transcript");
        let ran = run(&scratch, &text, 1)
            .env("HUE", "sesame-opens")
            .arg("--record")
            .arg(&journal)
            .arg("--transcript")
            .arg(&transcript)
            .run()
            .exits(0);
        let requests = seen(&server);
        assert_eq!(requests.len(), 1, "{}", ran.transcript());
        let request = &requests[0];
        assert!(request.starts_with("PUT /lights/60?bri=100 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("authorization: Bearer sesame-opens\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\n{\"on\":true,\"v\":100}"), "{request}");
        let line = format!("http PUT http://127.0.0.1:{port}/lights/60?bri=100; body: {{\"on\":true,\"v\":100}}");
        assert!(ran.stdout.contains(&line), "{}", ran.transcript());
        for file in [&journal, &transcript] {
            let text = std::fs::read_to_string(file).expect("the file");
            assert!(text.contains("http PUT http://127.0.0.1"), "{text}");
            assert!(!text.contains("sesame"), "{text}");
        }
        assert!(!ran.transcript().contains("sesame"), "{}", ran.transcript());
        // The recording comes to the same transcript, and asks nobody.
        bin("conductor").arg("replay").arg(&journal).arg("--expect").arg(&transcript).run().exits(0);
        assert_eq!(server.accepted(), 1);
    }

    #[test]
    fn a_dry_run_asks_nobody() {
        let (server, scratch) = (noting(), Scratch::new());
        let url = format!("http://127.0.0.1:{}/", server.port());
        let text = mapping(0, &format!("{{ Http = {{ url = \"{url}\" }} }}"));
        let ran = run(&scratch, &text, 1).arg("--dry-run").run().exits(0);
        assert!(ran.stdout.contains(&format!("would do: http GET {url}")), "{}", ran.transcript());
        assert_eq!(server.accepted(), 0);
    }

    #[test]
    fn a_redirect_is_followed_to_the_same_server_and_not_to_another_of_this_machine() {
        let inner = noting();
        let port = inner.port();
        let outer = Server::start(move |stream, seen| {
            let request = read_request(stream);
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            seen.lock().expect("notes").push(request);
            match path.as_str() {
                "/here" => answer(stream, "302 Found", "location: /there\r\n", ""),
                "/away" => answer(stream, "302 Found", &format!("location: http://127.0.0.1:{port}/\r\n"), ""),
                "/name" => answer(stream, "307 Moved", &format!("location: http://localhost:{port}/\r\n"), ""),
                "/round" => answer(stream, "302 Found", "location: /round\r\n", ""),
                "/gone" => answer(stream, "404 Not Found", "", ""),
                _ => answer(stream, "200 OK", "", "done"),
            }
        });
        let scratch = Scratch::new();
        let base = format!("http://127.0.0.1:{}", outer.port());
        let paths = ["/here", "/away", "/name", "/round", "/gone"];
        let text: String = (0..)
            .zip(paths)
            .map(|(number, path)| {
                mapping(number, &format!("{{ Http = {{ method = \"POST\", url = \"{base}{path}\" }} }}"))
            })
            .collect();
        let ran = run(&scratch, &text, 5).run().exits(0);
        let lines: Vec<_> =
            seen(&outer).iter().map(|request| request.lines().next().unwrap_or_default().to_owned()).collect();
        assert_eq!(lines[..2], ["POST /here HTTP/1.1", "GET /there HTTP/1.1"], "{}", ran.transcript());
        assert_eq!(inner.accepted(), 0, "{}", ran.transcript());
        let refused = format!("http POST {base}/away: http://127.0.0.1:{port} is 127.0.0.1, which is this machine");
        for wanted in [&refused, "more than 5 redirects", &format!("http POST {base}/gone: answered 404")] {
            assert!(ran.stderr.contains(wanted), "{wanted}: {}", ran.transcript());
        }
        assert!(!ran.stderr.contains("/here"), "{}", ran.transcript());
    }

    #[test]
    fn a_secret_goes_to_its_hosts_alone() {
        let (server, scratch) = (noting(), Scratch::new());
        let text = format!(
            "[secrets]\nhue = {{ env = \"HUE\", hosts = [\"hue.example\"] }}\n{}",
            mapping(
                0,
                &format!(
                    "{{ Http = {{ url = \"http://127.0.0.1:{}/\", headers = {{ X = \"{{{{secret:hue}}}}\" }} }} }}",
                    server.port()
                )
            )
        );
        let ran = run(&scratch, &text, 1).env("HUE", "sesame-opens").run().exits(0);
        assert_eq!(server.accepted(), 0);
        let wanted = format!(
            "the secret \"hue\" is not for http://127.0.0.1:{port}; only if that host may have it, in [secrets]: hue = {{ env = \"HUE\", \
             hosts = [\"hue.example\", \"http://127.0.0.1:{port}\"] }}",
            port = server.port()
        );
        assert!(ran.stderr.contains(&wanted), "{}", ran.transcript());
    }

    #[test]
    fn a_server_that_does_not_answer_is_given_up_and_one_that_answers_is_not_held_up() {
        let silent = Server::start(|stream, _| {
            // Until the other side gives up.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let (server, scratch) = (noting(), Scratch::new());
        let ask = |port: u16, timeout: u32| {
            format!("{{ Http = {{ url = \"http://127.0.0.1:{port}/\", timeout_ms = {timeout} }} }}")
        };
        let text = mapping(0, &ask(silent.port(), 100)) + &mapping(1, &ask(server.port(), 20_000));
        let ran = run(&scratch, &text, 2).run().exits(0);
        assert_eq!(seen(&server).len(), 1, "{}", ran.transcript());
        let wanted = format!("http GET http://127.0.0.1:{}/: no answer within 100 ms", silent.port());
        assert!(ran.stderr.contains(&wanted), "{}", ran.transcript());
    }

    #[test]
    fn more_than_can_wait_is_refused_at_once() {
        let silent = Server::start(|stream, _| {
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let scratch = Scratch::new();
        let ask = format!("{{ Http = {{ url = \"http://127.0.0.1:{}/\", timeout_ms = 500 }} }}", silent.port());
        // A file is played at once, and waits for nobody.
        let text = mapping(0, &format!("{{ Repeat = {{ count = 80, action = {ask} }} }}"));
        let ran = run(&scratch, &text, 1).arg("--json").run().exits(0);
        let refused =
            ran.stdout.lines().filter(|line| line.contains("64 effects are waiting for the http thread already"));
        assert!((14..=16).contains(&refused.count()), "{}", ran.transcript());
    }
}

#[cfg(feature = "osc")]
mod osc {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_fader_sends_open_sound_control() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let port = socket.local_addr().expect("its address").port();
        let scratch = Scratch::new();
        let args = "args = [1, -2, 0.5, \"note {note}\", true, false, { from = \"velocity\" }, { from = \"velocity\", to = [0.0, 1.0] }]";
        let osc = |host: &str| {
            format!("{{ Osc = {{ to = \"udp://{host}:{port}\", address = \"/ch/01/mix/fader\", {args} }} }}")
        };
        let text = mapping(0, &osc("127.0.0.1")) + &mapping(1, &osc("localhost"));
        let ran = run(&scratch, &text, 2).run().exits(0);
        let mut bytes = [0; 1024];
        for note in [60, 61] {
            let count = socket.recv(&mut bytes).unwrap_or_else(|error| panic!("{error}\n{}", ran.transcript()));
            let mut expected = b"/ch/01/mix/fader\0\0\0\0,iifsTFif\0\0\0".to_vec();
            expected.extend(1_i32.to_be_bytes());
            expected.extend((-2_i32).to_be_bytes());
            expected.extend(0.5_f32.to_be_bytes());
            expected.extend(format!("note {note}\0").as_bytes());
            expected.extend(100_i32.to_be_bytes());
            expected.extend((100.0_f32 / 127.0).to_be_bytes());
            assert_eq!(bytes[..count], expected, "{}", ran.transcript());
        }
        let line = format!("osc udp://127.0.0.1:{port} /ch/01/mix/fader 1 -2 0.5 \"note 60\" true false 100 0.7");
        assert!(ran.stdout.contains(&line), "{}", ran.transcript());
        assert!(!ran.stderr.contains("warn"), "{}", ran.transcript());
    }

    #[test]
    fn a_name_without_an_address_is_told() {
        let scratch = Scratch::new();
        let text = mapping(0, "{ Osc = { to = \"udp://no-such-host.invalid:9\", address = \"/a\" } }");
        let ran = run(&scratch, &text, 1).run().exits(0);
        let wanted = "osc udp://no-such-host.invalid:9 /a: no address for no-such-host.invalid";
        assert!(ran.stderr.contains(wanted), "{}", ran.transcript());
    }
}
