//! How many tasks a rolling update starts and stops next: numbers in, numbers
//! out, with no notion of time.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>
//! for the limits and for replacing within the same revision, and
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html>
//! for unhealthy tasks.

use crate::task::TaskKey;

/// How a task that shall run stands, the most dispensable first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It failed a health check.
    Unhealthy,
    /// It has not reached `RUNNING`.
    Starting,
    /// It runs, and its health checks have not passed yet.
    Checking,
    /// It runs without any health check, and not for long enough to count as healthy.
    Waiting,
    /// It counts as healthy.
    Healthy,
}

/// A deployment as the plan sees it.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// How many tasks it shall have.
    pub(crate) desired: u32,
    /// Whether it was ever done; those that were not are stopped first.
    pub(crate) is_completed: bool,
    /// How many tasks it may start now (fewer where it is throttled, or where
    /// its images are being resolved).
    pub(crate) may_start: u32,
    /// Its tasks that shall run, oldest first.
    pub(crate) tasks: Vec<(TaskKey, Standing)>,
}

impl Group {
    fn count(&self, standing: Standing) -> u32 {
        self.tasks
            .iter()
            .filter(|(_, one)| *one == standing)
            .count() as u32
    }

    fn live(&self) -> u32 {
        self.tasks.len() as u32
    }

    /// Its places, with a task or without.
    fn places(&self) -> impl Iterator<Item = Place> {
        let empty = self.desired.saturating_sub(self.live());
        let empty = (0..empty).map(|_| match self.is_completed {
            true => Place::Empty,
            false => Place::Unfinished(Standing::Unhealthy, None),
        });
        let taken = self.tasks.iter().map(|(key, standing)| {
            if self.is_completed || *standing == Standing::Healthy {
                Place::Taken(*standing, self.is_completed, *key)
            } else {
                Place::Unfinished(*standing, Some(*key))
            }
        });
        empty.chain(taken)
    }

    /// How many tasks it lacks, one that is unhealthy being none.
    fn lacking(&self) -> u32 {
        self.desired
            .saturating_sub(self.live() - self.count(Standing::Unhealthy))
    }
}

/// What a service's scheduler sees.
#[derive(Clone, Debug)]
pub(crate) struct Situation {
    /// The service's desired count.
    pub(crate) desired: u32,
    /// How many tasks must be healthy.
    pub(crate) minimum: u32,
    /// How many tasks may be there.
    pub(crate) maximum: u32,
    /// The PRIMARY deployment first.
    pub(crate) groups: Vec<Group>,
}

/// What the scheduler does next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// How many tasks each deployment shall have from now on.
    pub(crate) desired: Vec<u32>,
    /// How many tasks each deployment starts.
    pub(crate) starts: Vec<u32>,
    /// The tasks that are stopped because they are not needed.
    pub(crate) surplus: Vec<TaskKey>,
    /// The tasks that are stopped because they failed a health check.
    pub(crate) unhealthy: Vec<TaskKey>,
    /// Whether the limits leave nothing to do, though tasks are lacking.
    pub(crate) is_blocked: bool,
}

/// Plans the next starts and stops.
pub(crate) fn plan(mut situation: Situation) -> Plan {
    let mut plan = Plan {
        starts: vec![0; situation.groups.len()],
        ..Plan::default()
    };
    let Some(primary) = situation.groups.first_mut() else {
        return plan;
    };
    primary.desired = situation.desired;
    give_up_old(&mut situation, &mut plan);
    give_up_surplus(&mut situation.groups[0], &mut plan);
    start(&situation, &mut plan);
    replace_unhealthy(&situation, &mut plan);
    plan.desired = situation.groups.iter().map(|group| group.desired).collect();
    plan.is_blocked = is_blocked(&situation, &plan);
    plan
}

/// Plans the next starts and stops towards what each deployment shall have,
/// whatever the others have.
pub(crate) fn plan_apart(mut situation: Situation) -> Plan {
    let mut plan = Plan {
        starts: vec![0; situation.groups.len()],
        ..Plan::default()
    };
    for group in &mut situation.groups {
        give_up_surplus(group, &mut plan);
    }
    start(&situation, &mut plan);
    replace_unhealthy(&situation, &mut plan);
    plan.desired = situation.groups.iter().map(|group| group.desired).collect();
    plan
}

/// A place in a deployment that is being replaced, in the order in which such
/// places are given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// One that a deployment which was never done does not serve with.
    Unfinished(Standing, Option<TaskKey>),
    /// One without a task.
    Empty,
    /// Any other: what is least able to serve first, of equals what was never done.
    Taken(Standing, bool, TaskKey),
}

/// Takes from the deployments that are being replaced what the minimum of
/// healthy tasks does not need of them.
fn give_up_old(situation: &mut Situation, plan: &mut Plan) {
    let healthy = situation.groups[0].count(Standing::Healthy);
    let needed = situation.minimum.saturating_sub(healthy);
    let old = &mut situation.groups[1..];
    let kept: u32 = old.iter().map(|group| group.desired).sum();
    let mut surplus = kept.saturating_sub(needed);
    let mut places: Vec<(Place, usize)> = old
        .iter()
        .enumerate()
        .flat_map(|(index, group)| group.places().map(move |place| (place, index)))
        .collect();
    places.sort_unstable();
    for (place, index) in places {
        let group = &mut old[index];
        let task = match place {
            Place::Unfinished(_, task) => task,
            Place::Empty => None,
            Place::Taken(_, _, task) => Some(task),
        };
        // A replacement that is under way for an unhealthy task of the same
        // revision is no surplus: replace_unhealthy decides.
        let is_extra = task.is_some() && group.live() > group.desired;
        if surplus == 0 && (!is_extra || group.count(Standing::Unhealthy) > 0) {
            continue;
        }
        if !is_extra {
            group.desired -= 1;
            surplus -= 1;
        }
        if let Some(task) = task {
            group.tasks.retain(|(key, _)| *key != task);
            plan.surplus.push(task);
        }
    }
}

/// Stops what a deployment has too much of, such as when it is scaled in.
/// Unhealthy tasks and their replacements are left to [`replace_unhealthy`].
fn give_up_surplus(group: &mut Group, plan: &mut Plan) {
    let unhealthy = group.count(Standing::Unhealthy);
    let mut surplus = (group.live() - unhealthy).saturating_sub(group.desired);
    let mut candidates = group.tasks.clone();
    candidates.sort_by_key(|(key, standing)| (*standing, *key));
    for (key, standing) in candidates {
        if surplus > 0 && standing != Standing::Unhealthy {
            surplus -= 1;
            group.tasks.retain(|(task, _)| *task != key);
            plan.surplus.push(key);
        }
    }
}

/// Starts what is lacking, as far as the maximum allows: first in the
/// deployments that still serve, each from its own revision, then in the PRIMARY.
fn start(situation: &Situation, plan: &mut Plan) {
    let mut room = room(situation);
    for (index, group) in situation
        .groups
        .iter()
        .enumerate()
        .skip(1)
        .chain(situation.groups.iter().enumerate().take(1))
    {
        let starts = group.lacking().min(group.may_start).min(room);
        plan.starts[index] = starts;
        room -= starts;
    }
}

fn room(situation: &Situation) -> u32 {
    let live: u32 = situation.groups.iter().map(Group::live).sum();
    situation.maximum.saturating_sub(live)
}

/// Stops unhealthy tasks once their replacements have shown what they are; or
/// one at a time where the maximum leaves no room for a replacement.
fn replace_unhealthy(situation: &Situation, plan: &mut Plan) {
    for (index, group) in situation.groups.iter().enumerate() {
        let unhealthy = group.count(Standing::Unhealthy);
        if unhealthy == 0 {
            continue;
        }
        let undecided = group.count(Standing::Starting) + group.count(Standing::Checking);
        let excess = (group.live() + plan.starts[index])
            .saturating_sub(group.desired + undecided + plan.starts[index]);
        let is_stuck = group.lacking() > 0 && room(situation) == 0 && plan.starts[index] == 0;
        let stops = match excess {
            0 if is_stuck => 1,
            excess => excess.min(unhealthy),
        };
        plan.unhealthy.extend(
            group
                .tasks
                .iter()
                .filter(|(_, standing)| *standing == Standing::Unhealthy)
                .take(stops as usize)
                .map(|(key, _)| *key),
        );
    }
}

/// Whether the deployment configuration allows neither a start nor a stop while
/// nothing is under way that could change that.
///
/// Source: "was unable to stop or start tasks during a deployment because of the
/// service deployment configuration" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>.
fn is_blocked(situation: &Situation, plan: &Plan) -> bool {
    let nothing_planned = plan.surplus.is_empty()
        && plan.unhealthy.is_empty()
        && plan.starts.iter().all(|starts| *starts == 0);
    let all_settled = situation
        .groups
        .iter()
        .flat_map(|group| &group.tasks)
        .all(|(_, standing)| *standing == Standing::Healthy);
    let primary = &situation.groups[0];
    nothing_planned
        && all_settled
        && primary.lacking() > 0
        && primary.may_start > 0
        && situation.groups.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    /// What a step is for; desired, minimum and maximum; deployments; the plan.
    type Step = (&'static str, (u32, u32, u32), &'static str, &'static str);

    /// The table of a rolling update's steps. Deployments are written as
    /// `desired:tasks`, the PRIMARY one first, each task by the first letter of
    /// its standing and named by its number from 0 on. The plan is written as
    /// desired counts, `+` starts, `-` surplus tasks, `!` unhealthy tasks.
    #[rustfmt::skip]
    const STEPS: &[Step] = &[
        ("200% starts all at once",                         (2, 2, 4), "2: 2:HH",   "2,2 +2,0 - !"),
        ("150% starts one",                                 (2, 2, 3), "2: 2:HH",   "2,2 +1,0 - !"),
        ("a healthy one frees an old one",                  (2, 2, 4), "2:HW 2:HH", "2,1 +0,0 -2 !"),
        ("two healthy ones free both",                      (2, 2, 4), "2:HH 2:HH", "2,0 +0,0 -2,3 !"),
        ("50% stops half before it starts",                 (4, 2, 4), "4: 4:HHHH", "4,2 +2,0 -0,1 !"),
        ("0% stops all",                                    (2, 0, 2), "2: 2:HH",   "2,0 +2,0 -0,1 !"),
        ("nothing desired stops all",                       (0, 0, 0), "0: 2:HH",   "0,0 +0,0 -0,1 !"),
        ("scaling out",                                     (4, 4, 8), "2:HH",      "4 +2 - !"),
        ("scaling in takes what does not serve first",      (1, 1, 2), "2:HS",      "1 +0 -1 !"),
        ("a lost old task comes back from its own revision", (2, 2, 4), "2:SS 2:H", "2,2 +0,1 - !"),
        ("an unfinished deployment goes before a done one", (2, 2, 4), "2: 2:SW 2:HH", "2,0,2 +2,0,0 -0,1 !"),
        ("… also the places it never filled",               (2, 2, 4), "2: 2: 2:H", "2,0,2 +2,0,1 - !"),
        ("… but what serves is kept while it is needed",    (2, 2, 4), "2: 1:H 1:H", "2,1,1 +2,0,0 - !"),
        ("an unhealthy task gets its replacement first",    (2, 2, 4), "2:HU",      "2 +1 - !"),
        ("… and goes when that one is healthy",             (2, 2, 4), "2:HUH",     "2 +0 - !1"),
        ("… not while that one is checked",                 (2, 2, 4), "2:HUC",     "2 +0 - !"),
        ("… and one goes when that one is unhealthy too",   (2, 2, 4), "2:HUU",     "2 +1 - !1"),
        ("without room one unhealthy task goes first",      (2, 2, 4), "2:UU 2:HH", "2,2 +0,0 - !0"),
        ("an unhealthy old task is replaced in kind",       (2, 2, 5), "2:SS 2:HU", "2,2 +0,1 - !"),
        ("… and its replacement is no surplus",             (2, 2, 5), "2:SS 2:HUS", "2,2 +0,0 - !"),
        ("no deployment, nothing to do",                    (2, 2, 4), "",          " + - !"),
    ];

    #[test]
    fn a_rolling_update_goes_step_by_step() {
        for (name, limits, deployments, expected) in STEPS {
            let plan = plan(situation(*limits, deployments));
            assert_eq!(written(&plan), *expected, "{name}");
        }
    }

    #[test]
    fn limits_that_leave_no_step_block() {
        let blocked = |limits, deployments| plan(situation(limits, deployments)).is_blocked;
        assert!(blocked((2, 2, 2), "2: 2:HH"));
        assert!(!blocked((2, 1, 2), "2: 2:HH"));
        assert!(!blocked((2, 2, 4), "2: 2:HH"));
        assert!(!blocked((2, 2, 2), "2: 2:HW"));
        assert!(!blocked((2, 2, 2), "2:HH"));
    }

    #[test]
    fn a_throttled_deployment_waits() {
        let mut situation = situation((2, 2, 4), "2: 2:HH");
        situation.groups[0].may_start = 1;
        assert_eq!(plan(situation.clone()).starts, [1, 0]);
        situation.groups[0].may_start = 0;
        assert_eq!(plan(situation).starts, [0, 0]);
    }

    fn situation(limits: (u32, u32, u32), deployments: &str) -> Situation {
        let count = deployments.split_whitespace().count();
        let mut numbers = 0..;
        let groups = deployments
            .split_whitespace()
            .enumerate()
            .map(|(index, text)| {
                let (desired, tasks) = text.split_once(':').unwrap();
                Group {
                    desired: desired.parse().unwrap(),
                    is_completed: index + 1 == count,
                    may_start: u32::MAX,
                    tasks: tasks
                        .chars()
                        .map(|letter| (TaskKey(numbers.next().unwrap()), standing(letter)))
                        .collect(),
                }
            })
            .collect();
        Situation {
            desired: limits.0,
            minimum: limits.1,
            maximum: limits.2,
            groups,
        }
    }

    fn standing(letter: char) -> Standing {
        match letter {
            'U' => Standing::Unhealthy,
            'S' => Standing::Starting,
            'C' => Standing::Checking,
            'W' => Standing::Waiting,
            'H' => Standing::Healthy,
            other => panic!("no standing begins with {other}"),
        }
    }

    fn written(plan: &Plan) -> String {
        let list = |numbers: Vec<u64>| {
            let texts: Vec<String> = numbers.iter().map(u64::to_string).collect();
            texts.join(",")
        };
        let counts = |counts: &[u32]| list(counts.iter().copied().map(u64::from).collect());
        let keys = |keys: &[TaskKey]| list(keys.iter().map(|key| key.0).collect());
        format!(
            "{} +{} -{} !{}",
            counts(&plan.desired),
            counts(&plan.starts),
            keys(&plan.surplus),
            keys(&plan.unhealthy)
        )
    }
}
