use super::*;

const SECOND: Micros = 1_000_000;

#[test]
fn a_plugin_rests_longer_after_each_fault_and_an_hour_without_one_is_forgiven() {
    let mut resident = Resident::new("p", true);
    let mut rested = |at: Micros| (resident.rest(at * SECOND) - at * SECOND) / SECOND;
    let rests: Vec<_> = (0..8).map(|fault| rested(fault * 100)).collect();
    assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!((rested(700 + 3_599), rested(700 + 3_599 + 3_600)), (60, 1));
}

#[test]
fn what_has_arrived_and_what_waits_take_turns_and_a_start_comes_first() {
    let sockets = Arc::<SocketEvents>::default();
    let owner = ("p".to_owned(), DEFAULT_TENANT.to_owned());
    sockets.begin(&owner, 1);
    for text in ["a", "b"] {
        sockets.push(&owner, 1, SocketEvent::Message(Message::Text(text.to_owned())));
    }
    let mut resident = Resident::new("p", true);
    resident.waiting.timer(1);
    resident.waiting.timer(2);
    let mut next = || {
        let event = resident.next(Some(&sockets)).map(|event| event.event.to_string());
        resident.at_work = 0;
        event
    };
    let all: Vec<_> = std::iter::from_fn(&mut next).collect();
    assert_eq!(all, ["start", "message 1", "timer 1", "message 1", "timer 2"]);
}
