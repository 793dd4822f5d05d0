//! What happens in a run, and how likely each happening is.

use std::rc::Rc;

use super::mix::Trouble;
use super::plan::TargetPlan;
use super::run::Chaos;

/// Something that happens: how likely it is next to the others, and the trouble it is.
type Happening = (u32, Option<Trouble>, fn(&mut Chaos));

const HAPPENINGS: &[Happening] = &[
    (28, None, Chaos::push),
    (14, None, Chaos::push_several),
    (4, None, Chaos::tag_again),
    (14, None, Chaos::turn_alarm),
    (4, PEOPLE, Chaos::deploy_by_hand),
    (3, PEOPLE, Chaos::stop_deployment),
    (4, PEOPLE, Chaos::force),
    (6, PEOPLE, Chaos::scale),
    (2, PEOPLE, Chaos::rest),
    (3, PEOPLE, Chaos::stop_task),
    (4, PEOPLE, Chaos::put_back),
    (3, PEOPLE, Chaos::deregister),
    (3, PEOPLE, Chaos::delete_image),
    (3, PEOPLE, Chaos::hold_everything),
    (2, PEOPLE, Chaos::cut_off),
    (8, PEOPLE, Chaos::command),
    (2, PEOPLE, Chaos::recreate),
    (4, PEOPLE, Chaos::configure_anew),
    (2, PEOPLE, Chaos::redrive),
    (2, PEOPLE, Chaos::register_anew),
    (6, Some(Trouble::Capacity), Chaos::interrupt),
    (2, Some(Trouble::Capacity), Chaos::run_out_of_capacity),
    (8, Some(Trouble::Scaling), Chaos::autoscale),
    (6, Some(Trouble::Limits), Chaos::use_up),
    (1, Some(Trouble::Limits), Chaos::use_up_concurrency),
    (1, Some(Trouble::Crashes), Chaos::break_a_function),
    (1, Some(Trouble::Calls), Chaos::cut_lambda_off),
    (10, Some(Trouble::Hooks), Chaos::answer_hook),
    (3, Some(Trouble::Hooks), Chaos::turn_hook_function),
    (5, Some(Trouble::Tools), Chaos::apply_terraform),
    (4, Some(Trouble::Tools), Chaos::update_stack),
    (3, Some(Trouble::Expiry), Chaos::expire_images),
    (3, Some(Trouble::Expiry), Chaos::archive_image),
    (2, Some(Trouble::Mistakes), Chaos::break_parameter),
    (2, Some(Trouble::Mistakes), Chaos::follow_other_tags),
    (1, Some(Trouble::Mistakes), Chaos::delete_repository),
    (2, Some(Trouble::Mistakes), Chaos::withdraw_consent),
    (2, Some(Trouble::Mistakes), Chaos::deploy_a_stranger),
];

/// What happens besides where a target goes through a stack.
const TO_STACKS: &[Happening] = &[
    (6, PEOPLE, Chaos::update_stack_by_hand),
    (4, PEOPLE, Chaos::write_title),
    (6, PEOPLE, Chaos::decide_on_change_set),
    (3, PEOPLE, Chaos::cancel_stack_update),
    (4, PEOPLE, Chaos::continue_rollback),
    (2, Some(Trouble::Mistakes), Chaos::wedge_stack),
    (3, Some(Trouble::Mistakes), Chaos::break_dashboard),
];

const PEOPLE: Option<Trouble> = Some(Trouble::People);

impl Chaos {
    /// Lets one thing happen, drawn from the seed.
    pub(super) fn act(&mut self) {
        let mix = self.mix;
        let may = |happening: &&Happening| happening.1.is_none_or(|trouble| mix.has(trouble));
        let to_stacks = match self.plan.has_stacks() {
            true => TO_STACKS,
            false => &[],
        };
        let happenings = || HAPPENINGS.iter().chain(to_stacks).filter(may);
        let all: u32 = happenings().map(|one| one.0).sum();
        let mut drawn = self.rng.u32(0..all);
        for (weight, _, happen) in happenings() {
            if drawn < *weight {
                return happen(self);
            }
            drawn -= weight;
        }
    }

    pub(super) fn any_target(&mut self) -> Rc<TargetPlan> {
        let index = self.rng.usize(0..self.plan.targets.len());
        Rc::clone(&self.plan.targets[index])
    }

    pub(super) fn did(&mut self, what: &'static str, detail: &str) {
        self.tally.did(what);
        self.say(|| format!("somebody: {what} {detail}"));
    }
}
