//! What goes over the connection: messages in, which become values, and messages out.

use bytes::BytesMut;
use conductor_plugin::{Failure, set_timer};
use mqttbytes::QoS;
use mqttbytes::v4::{Packet, Publish, SubscribeReasonCode};

use super::{Client, FLUSH, FRAME, Link, MAX_KEPT, MAX_UNANSWERED, Message, PAUSE};
use crate::wire::{self, Read};
use crate::{discovery, settings, topic, values};

impl Client {
    /// Everything that has arrived.
    pub(super) fn read(&mut self) -> Result<(), String> {
        let mut acknowledged = BytesMut::new();
        while let Some(read) = self.reader.next()? {
            match read {
                Read::Packet(Packet::ConnAck(answer)) => self.answered(answer.code)?,
                Read::Packet(Packet::Publish(message)) => {
                    self.received(&message)?;
                    if message.qos == QoS::AtLeastOnce {
                        wire::acknowledge(&mut acknowledged, message.pkid);
                    }
                }
                Read::Packet(Packet::PubAck(answer)) => drop(self.unanswered.remove(&answer.pkid)),
                Read::Packet(Packet::SubAck(answer)) => {
                    for (filter, code) in self.asked.iter().zip(&answer.return_codes) {
                        if *code == SubscribeReasonCode::Failure {
                            self.values.say(&format!("the broker does not let this user have {filter}"));
                        }
                    }
                }
                Read::Packet(Packet::PingResp) => self.alive(),
                Read::Packet(_) => {} // the reader lets no other through
                Read::Passed(bytes) => {
                    self.values.say(&format!(
                        "a message of {bytes} bytes was passed over; at most {} are read",
                        wire::MAX_PACKET
                    ));
                }
            }
        }
        if let (Link::Up { socket, .. }, false) = (&self.link, acknowledged.is_empty()) {
            // What is not acknowledged comes again after the next connection.
            let _ = socket.send_bytes(&acknowledged);
        }
        self.flush();
        Ok(())
    }

    fn received(&mut self, message: &Publish) -> Result<(), String> {
        let Publish { topic, payload, retain, qos, .. } = message;
        if *qos == QoS::ExactlyOnce {
            return Err("the broker sent a message with QoS 2, which was not asked for".to_owned());
        }
        self.commanded(topic, payload, *retain).map_err(|failure| failure.to_string())?;
        self.told_before(topic, payload, *retain);
        let Some(settings) = &self.settings else { return Ok(()) };
        for one in settings.subscriptions.iter().filter(|one| topic::matches(&one.filter, topic)) {
            let key = one.key.clone().unwrap_or_else(|| topic::key(topic));
            if one.key.is_none() && settings::is_reserved(&key) {
                self.values.say(&format!(
                    "{topic} is not held: {key} is a name of the plugin's own; subscribe to it as another.key"
                ));
                continue;
            }
            match values::value(payload, &one.at) {
                Ok(Some(value)) => self.values.set(&key, value),
                Ok(None) => {}
                Err(why) => self.values.say(&format!("{topic} is not held: its payload {why}")),
            }
        }
        Ok(())
    }

    /// What Home Assistant was told of a control that is no more is taken back.
    fn told_before(&mut self, topic: &str, payload: &[u8], retained: bool) {
        let ours = self.settings.as_ref().and_then(discovery::filter);
        let of_ours = ours.is_some_and(|filter| topic::matches(&filter, topic));
        if retained && of_ours && !payload.is_empty() && !self.kept.contains_key(topic) {
            self.keep(topic.to_owned(), String::new());
        }
    }

    /// Sends a message.
    pub(crate) fn publish(&mut self, topic: &str, payload: &str, sure: bool, retain: bool) -> Result<(), Failure> {
        if topic.is_empty() || topic.len() > topic::MAX || topic.contains(['+', '#', '\0']) {
            return Err(crate::bad(&format!(
                "{topic:?} is no topic: + and # are for those that ask, and 1024 bytes is the most"
            )));
        }
        let socket = match &self.link {
            Link::Up { socket, .. } => *socket,
            Link::Down(reason) | Link::Refused(reason) => {
                return Err(Failure::new(format!("not connected to the broker: {reason}")));
            }
            Link::Opening(_) => return Err(Failure::new("not connected to the broker yet")),
        };
        let id = if sure { self.next_id() } else { 0 };
        if sure && self.unanswered.len() >= MAX_UNANSWERED {
            return Err(Failure::new(format!(
                "the broker has not acknowledged {MAX_UNANSWERED} messages; this one was not sent"
            )));
        }
        let mut out = BytesMut::new();
        wire::publish(&mut out, topic, payload.as_bytes(), id, retain);
        socket.send_bytes(&out)?;
        if sure {
            let message = Message { topic: topic.to_owned(), payload: payload.to_owned(), retain };
            self.unanswered.insert(id, message);
        }
        Ok(())
    }

    /// This is the retained message of `topic` from now on. Sent when there is a connection, and after each new one.
    pub(crate) fn keep(&mut self, topic: String, payload: String) {
        if self.kept.get(&topic) == Some(&payload) {
            return;
        }
        if self.kept.len() >= MAX_KEPT && !self.kept.contains_key(&topic) {
            self.values.say(&format!("{MAX_KEPT} retained messages are kept; no others are published"));
            return;
        }
        self.unsent.insert(topic.clone());
        self.kept.insert(topic, payload);
    }

    /// The broker has this already.
    pub(crate) fn restore(&mut self, topic: &str, payload: &str) {
        self.kept.insert(topic.to_owned(), payload.to_owned());
    }

    /// The retained message of `topic`.
    pub(crate) fn kept(&self, topic: &str) -> Option<&str> {
        self.kept.get(topic).map(String::as_str)
    }

    /// Sends the retained messages that the broker does not have yet, several in a frame.
    pub(crate) fn flush(&mut self) {
        let Link::Up { socket, fresh: false, .. } = self.link else { return };
        while !self.unsent.is_empty() {
            let (mut out, mut sent) = (BytesMut::new(), 0);
            for topic in &self.unsent {
                let payload = self.kept.get(topic).map(String::as_bytes).unwrap_or_default();
                wire::publish(&mut out, topic, payload, 0, true);
                sent += 1;
                if out.len() >= FRAME {
                    break;
                }
            }
            if socket.send_bytes(&out).is_err() {
                // Later, as they are by then. Where the connection has ended, they are sent after the next.
                let _ = set_timer(FLUSH, PAUSE);
                return;
            }
            for _ in 0..sent {
                self.unsent.pop_first();
            }
        }
    }
}
