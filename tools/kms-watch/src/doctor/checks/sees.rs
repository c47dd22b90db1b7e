//! Whether events reach the functions, and the functions can handle them.

use watch_core::ports::CallErrorKind;
use watch_sweep::attest::{functions as attest, rules as attested, trails};
use watch_template::Template;

use super::super::answers::{Answers, Asked};
use super::super::verdict::{DEPLOY, Verdict, name, names};
use super::tells::{THROTTLES, alarming};

/// Eight functions have to run at once in a bad minute, and accounts that are new have ten in all (Lambda Developer Guide, quotas).
const LEAST_CONCURRENCY: i64 = 20;

/// Whether a trail logs what is done to keys.
pub(super) fn trail(answers: &Answers) -> Verdict {
    let trails = match &answers.trails {
        Ok(trails) => trails,
        Err(error) => return Verdict::unseen(error),
    };
    let found = trails::judge(trails).filter(|found| !is_about_reads(found.name().as_str()));
    let well = "a trail is logging the management events of KMS";
    Verdict::of_findings(
        found.into_iter().collect(),
        &answers.place,
        answers.at,
        well,
    )
}

fn is_about_reads(finding: &str) -> bool {
    finding.starts_with("trails/reads#")
}

/// Whether it also logs reads, among which are failed uses of keys.
pub(super) fn read_events(answers: &Answers) -> Verdict {
    let trails = match &answers.trails {
        Ok(trails) => trails,
        Err(error) => return Verdict::unseen(error),
    };
    let found = trails::judge(trails);
    let well = "a trail is logging read events of KMS";
    Verdict::of_findings(
        found.into_iter().collect(),
        &answers.place,
        answers.at,
        well,
    )
}

/// Whether the rules are those of the template, enabled, and lead to the functions.
pub(super) fn rules(answers: &Answers) -> Verdict {
    let deployed = match &answers.rules {
        Ok(deployed) => deployed,
        Err(error) => return Verdict::unseen(error),
    };
    let place = &answers.place;
    // Not those of functions that the user chose to be without.
    let parts: Vec<String> = answers.parts.values().cloned().collect();
    let expected = attested::expected_with(&parts, &place.own());
    let findings = attested::judge(&expected, deployed, &place.own(), &place.health_topic);
    let well = format!(
        "{} rules are enabled and lead where the template says",
        expected.len()
    );
    Verdict::of_findings(findings, place, answers.at, well)
}

/// The answers about the functions of the template; of those that have none, the first.
fn each_function(
    answers: &Answers,
    mut judge: impl FnMut(&str, &watch_core::answers::FunctionData) -> Option<(String, String)>,
) -> Result<usize, Verdict> {
    let mut unseen = None;
    let mut seen = 0;
    for function in Template::read().functions() {
        let id = function.id;
        let gone = || {
            Verdict::failed(
                format!("{id} is not there: what it is for is not told"),
                DEPLOY,
            )
        };
        let physical = match (answers.parts.get(&id), &function.condition) {
            (Some(physical), _) => physical,
            // The user chose to be without.
            (None, Some(_)) => continue,
            (None, None) => return Err(gone()),
        };
        match answers.functions.get(&id) {
            None => return Err(gone()),
            Some(Ok(data)) => match judge(physical, data) {
                Some((what, fix)) => return Err(Verdict::failed(format!("{id}: {what}"), fix)),
                None => seen += 1,
            },
            Some(Err(error)) if error.kind() == CallErrorKind::NotFound => return Err(gone()),
            Some(Err(error)) => unseen = unseen.or(Some(Verdict::unseen(error))),
        }
    }
    unseen.map_or(Ok(seen), Err)
}

/// Whether the functions can run.
pub(super) fn functions(answers: &Answers) -> Verdict {
    let judged = each_function(answers, |physical, data| {
        if let Some(found) = attest::judge(physical, data) {
            let place = &answers.place;
            let found = found.since(answers.at, Some(&place.stack), &place.region);
            let fix = found.restore.unwrap_or_else(|| DEPLOY.to_owned());
            return Some((found.what.plain(), fix));
        }
        let configuration = &data.configuration;
        let state = configuration["State"].as_str().unwrap_or("Active");
        // Lambda takes an idle function out, and starts it again at the next event.
        if !["Active", "Inactive"].contains(&state) {
            let reason = configuration["StateReason"].as_str().unwrap_or_default();
            let what = format!("it is {} {}", name(state), name(reason));
            return Some((what.trim_end().to_owned(), DEPLOY.to_owned()));
        }
        (configuration["LastUpdateStatus"] == "Failed")
            .then(|| ("its last update failed".to_owned(), DEPLOY.to_owned()))
    });
    match judged {
        Ok(count) => Verdict::well(format!("{count} functions can run")),
        Err(verdict) => verdict,
    }
}

/// Whether what a function fails on is kept.
pub(super) fn failed_events(answers: &Answers) -> Verdict {
    let queue = answers.parts.get("FailedInvocations");
    let queue = queue.map(|url| url.rsplit('/').next().unwrap_or(url));
    let judged = each_function(answers, |_, data| {
        let destination = &data.invocation["DestinationConfig"]["OnFailure"]["Destination"];
        let kept = destination.as_str().and_then(|arn| arn.rsplit(':').next());
        (kept.is_none() || kept != queue).then(|| {
            let what = "an event on which it fails three times is lost".to_owned();
            (what, DEPLOY.to_owned())
        })
    });
    match judged {
        Ok(_) => Verdict::well("events on which a function fails are kept"),
        Err(verdict) => verdict,
    }
}

/// Whether Lambda throttles a function.
pub(super) fn throttles(answers: &Answers) -> Verdict {
    match alarming(answers, |id| id.ends_with(THROTTLES)) {
        Err(verdict) => verdict,
        Ok(on) if on.is_empty() => Verdict::well("no function is throttled"),
        Ok(on) => Verdict::failed(
            format!("functions are throttled: {} in ALARM", names(on)),
            "raise the account's concurrency in Service Quotas, or find out what uses it up",
        ),
    }
}

/// Whether the account lets enough functions run at once.
pub(super) fn quota(answers: &Answers) -> Verdict {
    match concurrency(&answers.concurrency) {
        Err(verdict) => verdict,
        Ok(most) if most >= LEAST_CONCURRENCY => {
            Verdict::well(format!("{most} functions can run at once"))
        }
        Ok(most) => Verdict::failed(
            format!(
                "only {most} functions of this account can run at once, those of others included"
            ),
            "ask Service Quotas for more concurrent executions of Lambda",
        ),
    }
}

fn concurrency(asked: &Asked<Option<i64>>) -> Result<i64, Verdict> {
    match asked {
        Ok(Some(most)) => Ok(*most),
        Ok(None) => Err(Verdict::early("Lambda did not say how many")),
        Err(error) => Err(Verdict::unseen(error)),
    }
}
