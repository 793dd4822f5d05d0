//! What Pushboat does, seen from outside: each scenario has a target of its own on one
//! installation that all of them share.
//!
//! `cargo test -p end-to-end --test scenarios [NAME]`; under cargo nextest, which runs
//! each test in a process of its own, each makes an installation of its own.

mod adoption;
mod budget;
mod crash_safety;
mod dead_letter;
mod event;
mod example;
mod faults;
mod function_log;
mod image;
mod live;
mod overlooked;
mod parameter;
mod repetition;
mod role;
mod rollback;
mod round_trip;
mod stack;
mod supersede;
mod target;
mod world;

use std::pin::Pin;
use std::process::ExitCode;

use end_to_end::Failure;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::world::{Bare, World};

/// How many scenarios run at a time where nothing else is said: they mostly wait.
const AT_A_TIME: usize = 5;

type Played<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

/// Whether a scenario bears others beside it.
#[derive(Clone, Copy)]
enum Company {
    /// It looks at its own target only.
    Any,
    /// It does something to the whole installation, or counts what happens in it.
    None,
}

macro_rules! scenarios {
    ($($company:ident $module:ident::$name:ident,)*) => {
        vec![$(trial(
            concat!(stringify!($module), "::", stringify!($name)),
            Company::$company,
            |world| Box::pin($module::$name(world)),
        )),*]
    };
}

/// Those that need the local AWS alone, and start one of their own.
macro_rules! bare_scenarios {
    ($($module:ident::$name:ident,)*) => {
        vec![$(bare_trial(
            concat!(stringify!($module), "::", stringify!($name)),
            |bare| Box::pin($module::$name(bare)),
        )),*]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_A_TIME));
    let bare = bare_scenarios![
        example::an_update_waits_for_its_service,
        example::an_update_fails_with_its_service_and_is_taken_back,
    ];
    let mut trials = scenarios![
        Any overlooked::a_push_whose_event_is_lost_goes_live,
        Any crash_safety::every_call_can_be_the_last,
        Any faults::calls_that_go_wrong_change_nothing,
        Any faults::events_that_go_wrong_change_nothing,
    ];
    trials.extend(examples());
    trials.extend(scenarios![
        Any live::a_push_goes_live,
        Any live::an_index_goes_live,
        Any live::the_first_target_needs_no_tag,
        Any live::an_exact_tag_can_go_back,
        Any live::a_service_scaled_to_zero_is_deployed_and_said_so,
        Any round_trip::every_leaf_survives,
        Any round_trip::other_choices_survive,
        Any round_trip::empty_values_survive,
        Any round_trip::unknown_keys_survive,
        Any repetition::one_push_told_five_times_beside_a_newer_one,
        Any repetition::an_older_push_told_late_changes_nothing,
        Any adoption::a_target_waits_for_its_service,
        Any adoption::a_target_waits_for_its_cluster,
        Any adoption::a_push_before_the_registration_is_explained,
        Any parameter::malformed_json,
        Any parameter::an_unknown_field,
        Any parameter::a_missing_repository,
        Any parameter::a_missing_alarm,
        Any parameter::a_claimed_service,
        Any parameter::a_daemon_service,
        Any parameter::a_service_under_code_deploy,
        Any parameter::a_service_under_an_external_controller,
        Any parameter::a_missing_tag_of_consent,
        Any parameter::a_tag_of_consent_to_another_target,
        Any image::another_architecture_is_rejected,
        Any image::an_attestation_is_rejected,
        Any image::a_signature_is_rejected,
        Any image::the_running_image_is_not_deployed_again,
        Any supersede::the_newest_of_those_that_wait_follows,
        Any supersede::a_newer_push_takes_over_immediately,
        Any rollback::a_version_that_crashes_is_explained,
        Any rollback::an_alarm_in_the_bake_time_takes_it_back,
        Any rollback::a_digest_that_was_taken_back_stays_out_until_released,
        Any rollback::what_ecs_takes_back_by_itself_is_only_watched,
        Any rollback::blue_green_goes_live_and_back,
        Any rollback::a_person_takes_it_back,
        Any stack::an_upgrade_disturbs_no_rollout,
        Any stack::a_stack_that_is_deleted_leaves_the_services_and_the_next_one_adopts_them,
        None rollback::a_hold_stops_every_write_until_it_is_gone,
        None overlooked::a_notice_that_is_never_sent_from_the_stream_is_sent_by_the_sweep,
        None event::every_sample_is_taken_or_explained,
        None dead_letter::an_event_that_the_function_fails_on_is_kept,
        None dead_letter::an_event_that_cannot_be_handed_over_is_kept,
        None budget::a_push_takes_at_most_nine_calls_in_sequence,
        None function_log::no_function_complained_of_anything_unexpected,
        None role::every_call_is_one_that_the_functions_role_allows,
    ]);
    trials.extend(bare);
    let conclusion = libtest_mimic::run(&arguments, trials);
    world::end();
    conclusion.exit_code()
}

/// Those of `examples/`.
fn examples() -> Vec<Trial> {
    scenarios![
        Any example::the_web_service_goes_live_and_back,
        Any example::the_web_service_of_production_is_whole,
        Any example::the_web_service_goes_live_and_back_through_its_stack,
        Any example::backstage_goes_live,
        Any example::backstage_goes_live_and_back_through_its_stack,
        Any example::backstage_of_production_is_whole,
        Any example::what_staging_ran_well_is_promoted,
        Any example::what_staging_ran_well_is_promoted_through_the_stacks,
        Any example::the_role_of_github_actions_is_made,
    ]
}

fn trial(name: &str, company: Company, scenario: fn(&World) -> Played<'_>) -> Trial {
    Trial::test(name, move || {
        let world = world::shared().map_err(Failed::from)?;
        let played = world.play(company, scenario);
        played.map_err(|error| Failed::from(chain(&*error)))
    })
}

fn bare_trial(name: &str, scenario: fn(&Bare) -> Played<'_>) -> Trial {
    Trial::test(name, move || {
        let played = world::play_bare(scenario);
        played.map_err(|error| Failed::from(chain(&*error)))
    })
}

/// An error and everything it came from, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
