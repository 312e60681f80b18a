//! Makes a recording smaller that does not replay to its transcript, where the session itself does not differ again.
//!
//! What is expected cannot be recorded anew, so messages are taken out together with what came of them, and the rest has to part
//! from the transcript where it did before: at the same call, in the same way.

use serde_json::Value;

/// A journal and what the session it is of came to, line by line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recording {
    pub(crate) journal: Vec<String>,
    pub(crate) transcript: Vec<String>,
}

/// The first line that differs, as expected and as it came, without its number.
type Parting = (Option<Value>, Option<Value>);

/// The smallest part of `recording` whose replay parts from it where that of the whole does; `replay` gives the transcript of a
/// journal. Nothing when the whole does not part at all.
pub(crate) fn shrink(recording: &Recording, replay: &mut dyn FnMut(&[String]) -> Vec<String>) -> Option<Recording> {
    let wanted = parting(&recording.transcript, &replay(&recording.journal))?;
    let mut smallest = recording.clone();
    let mut try_it = |smaller: Recording, smallest: &mut Recording| {
        let same = parting(&smaller.transcript, &replay(&smaller.journal)).as_ref() == Some(&wanted);
        if same {
            *smallest = smaller;
        }
        same
    };
    if let Some(cut) = cut(recording, &wanted) {
        try_it(cut, &mut smallest);
    }
    let mut at = 0;
    while let Some(smaller) = without_message(&smallest, at) {
        if !try_it(smaller, &mut smallest) {
            at += 1;
        }
    }
    Some(smallest)
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).expect("a line of JSON")
}

fn unnumbered(line: Option<&String>) -> Option<Value> {
    let mut value = parsed(line?);
    value.as_object_mut()?.remove("n");
    Some(value)
}

fn parting(expected: &[String], came: &[String]) -> Option<Parting> {
    (0..expected.len().max(came.len())).find_map(|number| {
        let pair = (unnumbered(expected.get(number)), unnumbered(came.get(number)));
        (pair.0 != pair.1).then_some(pair)
    })
}

/// Without what was received after the place, as if the recording had been cut off there.
fn cut(recording: &Recording, (expected, came): &Parting) -> Option<Recording> {
    let last = [expected, came].into_iter().flatten().filter_map(|line| line["t_us"].as_u64()).max()?;
    let keep = |line: &&String| {
        let line = parsed(line);
        line["k"] != "end" && line["t"].as_u64().is_none_or(|t| t <= last)
    };
    let journal = recording.journal.iter().filter(keep).cloned().collect();
    let early = |line: &&String| parsed(line)["t_us"].as_u64().is_some_and(|t| t <= last);
    let transcript = recording.transcript.iter().filter(early).cloned().collect();
    Some(Recording { journal, transcript })
}

/// Without the message number `at`, what came of it at once, and what the journal says of those calls.
fn without_message(recording: &Recording, at: usize) -> Option<Recording> {
    let inputs: Vec<(usize, u64)> = recording
        .journal
        .iter()
        .enumerate()
        .filter_map(|(number, line)| Some((number, parsed(line))).filter(|(_, line)| line["k"] == "in"))
        .filter_map(|(number, line)| Some((number, line["t"].as_u64()?)))
        .collect();
    let (gone, t) = *inputs.get(at)?;
    let mut removed = Vec::new();
    let (mut call, mut transcript) = (0, Vec::new());
    for line in &recording.transcript {
        let value = parsed(line);
        let is_call = value["action"] == "WasmPlugin" && value["status"] != "refused";
        call += u64::from(is_call);
        if value["t_us"] == t {
            removed.extend(is_call.then_some(call));
        } else {
            transcript.push(line.clone());
        }
    }
    let mut journal = Vec::new();
    for (number, line) in recording.journal.iter().enumerate() {
        let mut value = parsed(line);
        if number == gone {
            continue;
        }
        match (value["k"].as_str(), value["call"].as_u64()) {
            (Some("rejected" | "deadline"), Some(call)) if removed.contains(&call) => {}
            (Some("rejected" | "deadline"), Some(call)) => {
                let before = removed.iter().filter(|removed| **removed < call).count() as u64;
                value["call"] = (call - before).into();
                journal.push(value.to_string());
            }
            _ => journal.push(line.clone()),
        }
    }
    Some(Recording { journal, transcript })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        text.replace('\'', "\"")
    }

    #[test]
    fn a_recording_shrinks_to_the_message_that_shows_the_difference() {
        let input = |t: u64| line(&format!("{{'k':'in','t':{t},'device':0,'bytes':'903c40'}}"));
        let call = |n: u64, t: u64, fuel: u64| {
            line(&format!("{{'n':{n},'t_us':{t},'action':'WasmPlugin','status':'ok','fuel':{fuel}}}"))
        };
        let deadline = |call: u64| line(&format!("{{'k':'deadline','call':{call},'starting':false,'fuel':5}}"));
        let header = line("{'conductor_journal':1}");
        let end = line("{'k':'end','t':9}");
        let whole = Recording {
            journal: vec![header.clone(), input(1), input(2), input(3), deadline(3), input(4), end],
            transcript: vec![call(1, 1, 7), call(2, 2, 7), call(3, 3, 5), call(4, 4, 7)],
        };
        // A replay that stops the call one short of where it was stopped.
        let mut replay = |journal: &[String]| {
            let times = journal.iter().map(|line| parsed(line)).filter(|line| line["k"] == "in");
            let stopped: Vec<Value> =
                journal.iter().map(|line| parsed(line)).filter(|line| line["k"] == "deadline").collect();
            times
                .zip(1_u64..)
                .map(|(input, n)| {
                    let short = stopped.iter().any(|stop| stop["call"] == n);
                    call(n, input["t"].as_u64().expect("a time"), if short { 4 } else { 7 })
                })
                .collect()
        };
        let smallest = shrink(&whole, &mut replay).expect("it differs");
        let journal = vec![parsed(&header), parsed(&input(3)), parsed(&deadline(1))];
        assert_eq!(smallest.journal.iter().map(|line| parsed(line)).collect::<Vec<_>>(), journal);
        assert_eq!(smallest.transcript, [call(3, 3, 5)]);
    }
}
