//! What was: reads that do not show yet what happened a moment ago.
//!
//! "The Amazon ECS API follows an eventual consistency model": what a read
//! answers can lack what was written before it, for how long no page says.
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::ecs::Ecs;

/// The states that reads may still show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    /// How far back they go.
    longest: SignedDuration,
    /// How old the state is that the JSON protocol's reads show.
    lag: SignedDuration,
    /// Oldest first, each until another time.
    states: VecDeque<State>,
}

/// How everything was until something changed.
#[derive(Clone, Debug)]
struct State {
    until: Timestamp,
    ecs: Arc<Ecs>,
}

impl Ecs {
    /// Keeps what was for so long, so that reads can be given the past; at first
    /// nothing is kept.
    pub fn keep_past(&mut self, longest: SignedDuration) {
        self.past.longest = longest;
    }

    /// Has the Describe and List operations of [`call`](Ecs::call) show how things
    /// were so long ago, from now on; at first they show the present.
    ///
    /// The past is kept from now on for at least that long. Whoever wants reads
    /// that disagree with each other chooses a lag before each of them, after
    /// [`keep_past`](Ecs::keep_past) with the longest of them.
    pub fn set_read_lag(&mut self, lag: SignedDuration) {
        self.past.lag = lag;
        self.past.longest = self.past.longest.max(lag);
    }

    /// Shows how things were so long ago, as far as the past was kept.
    ///
    /// It is to be read only: nothing happens in it any more.
    pub fn past(&self, lag: SignedDuration) -> &Ecs {
        let lag = lag.min(self.past.longest);
        let wanted = self.now.checked_sub(lag).unwrap_or(Timestamp::MIN);
        let mut states = self.past.states.iter();
        states
            .find(|state| state.until > wanted)
            .map_or(self, |state| &state.ecs)
    }

    /// What the reads of the JSON protocol show.
    pub(crate) fn shown(&self) -> &Ecs {
        self.past(self.past.lag)
    }

    /// Keeps how things are, because they are about to change.
    pub(crate) fn remember(&mut self) {
        let longest = self.past.longest;
        if longest.is_zero()
            || self
                .past
                .states
                .back()
                .is_some_and(|state| state.until >= self.now)
        {
            return;
        }
        let mut past = std::mem::take(&mut self.past);
        let (agenda, changes, lines) = (
            std::mem::take(&mut self.agenda),
            std::mem::take(&mut self.changes),
            std::mem::take(&mut self.log_lines),
        );
        let state = State {
            until: self.now,
            ecs: Arc::new(self.clone()),
        };
        (self.agenda, self.changes, self.log_lines) = (agenda, changes, lines);
        let oldest = self.now.checked_sub(longest).unwrap_or(Timestamp::MIN);
        while past
            .states
            .front()
            .is_some_and(|state| state.until <= oldest)
        {
            past.states.pop_front();
        }
        past.states.push_back(state);
        self.past = past;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, Timings};
    use crate::tag::Tags;

    #[test]
    fn no_more_is_kept_than_reads_can_show() {
        let mut ecs = Ecs::new(Settings {
            account_id: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            partition: "aws".to_owned(),
            timings: Timings::default(),
        });
        let register = |ecs: &mut Ecs| {
            let document = serde_json::json!({
                "family": "web", "containerDefinitions": [{"name": "web", "image": "web:1"}],
            });
            let document = document.as_object().cloned().unwrap_or_default();
            let made = ecs.register_task_definition(document, Tags::default());
            assert!(made.is_ok());
        };
        register(&mut ecs);
        assert_eq!(ecs.past.states.len(), 0);
        ecs.keep_past(SignedDuration::from_secs(3));
        for second in 0..10 {
            ecs.now = Timestamp::from_second(second).unwrap();
            register(&mut ecs);
            register(&mut ecs);
        }
        let times = ecs.past.states.iter().map(|state| state.until.as_second());
        assert_eq!(times.collect::<Vec<_>>(), [7, 8, 9]);
        let past = ecs.past(SignedDuration::from_secs(3));
        assert!(past.past.states.is_empty(), "the past keeps no past");
        assert_eq!(past.families["web"].len(), 1 + 2 * 7);
        ecs.now = Timestamp::from_second(60).unwrap();
        let past = ecs.past(SignedDuration::from_secs(55));
        assert_eq!(past.families["web"].len(), 21, "that is not kept any more");
    }
}
