//! What is said of a change of the watch.

use super::calls::PARAMETERS;
use super::{Rated, WatchChanged};
use crate::arn::Region;
use crate::kinds::case::{Case, fix, look};
use crate::kinds::describe::Tell;
use crate::kinds::words::{root, who};
use crate::severity::Severity;
use crate::step::{Step, StepType, is_bare, is_queue_url};
use crate::text;
use crate::text::{Text, Untrusted};

impl WatchChanged {
    fn what(&self) -> Text {
        let mut text = Text::new();
        match self.resources.split_first() {
            None => text.push("a part of KMS Watch that the record does not name"),
            Some((first, others)) => {
                text.push(first);
                for other in others {
                    text.push(text![", ", other]);
                }
            }
        }
        text
    }

    fn is_parameter(&self) -> bool {
        self.about
            .call
            .is_some_and(|call| call.service == PARAMETERS)
    }

    fn operation(&self) -> &'static str {
        self.about.call.map_or("", |call| call.name)
    }

    fn restore(&self) -> Option<String> {
        if let Some(finding) = &self.about.finding {
            return finding.restore.clone();
        }
        let call = self.about.call.filter(|call| !call.restore.is_empty())?;
        let is_url = call.restore.contains("-url {}");
        let whole = call.restore.contains("-arn {}") || is_url;
        let fits = if is_url { is_queue_url } else { is_bare };
        let resource = if whole {
            self.about.names.first().map(String::as_str)
        } else {
            self.resources.first().map(Untrusted::as_str)
        };
        let command = if call.restore.contains("{}") {
            call.restore
                .replace("{}", resource.filter(|name| fits(name))?)
        } else {
            call.restore.to_owned()
        };
        Some(in_region(command, self.about.region.as_ref()))
    }
}

fn in_region(command: String, region: Option<&Region>) -> String {
    match region {
        Some(region) => format!("{command} --region {}", region.as_str()),
        None => command,
    }
}

impl Tell for WatchChanged {
    fn severity(&self, _: &Case<'_>) -> Severity {
        let weight = self.about.weight;
        if self.is_attempt() {
            return match weight {
                Rated::Mutes(_) | Rated::Deploys => Severity::Low,
                // A mistake, a conflict, a quota: whoever may do it will do it again.
                _ if !self.is_denied() => Severity::Medium,
                Rated::Silences | Rated::Disables => Severity::High,
                Rated::Changes => Severity::Medium,
            };
        }
        let alone = match weight {
            Rated::Mutes(_) if !self.silences => Severity::Info,
            Rated::Deploys => Severity::Low,
            Rated::Changes => Severity::High,
            Rated::Silences | Rated::Disables | Rated::Mutes(_) => Severity::Critical,
        };
        if !self.is_part() {
            return alone;
        }
        match self.deployment_known {
            // People heard of the deployment.
            Some(true) if !self.about.first => Severity::Info,
            Some(true) | None => alone.min(Severity::Low),
            Some(false) => alone,
        }
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        let silences = match self.about.weight {
            Rated::Silences | Rated::Disables => true,
            Rated::Mutes(_) => self.silences,
            Rated::Changes | Rated::Deploys => false,
        };
        if self.is_attempt() {
            return Some(match (self.is_denied(), silences) {
                (false, _) => text!["the call failed, but not for lack of permission"],
                (true, true) => text!["the call would silence KMS Watch, and was denied"],
                (true, false) => text!["the call was denied"],
            });
        }
        if self.is_part() {
            return Some(match self.deployment_known {
                Some(false) => text!["no deployment of this stack explains the call"],
                _ => text!["the call is part of a deployment of the stack"],
            });
        }
        Some(match self.about.weight {
            Rated::Deploys => text!["the stack is being deployed"],
            Rated::Mutes(_) if !silences => text!["a short mute is usual for maintenance"],
            _ if silences && self.is_parameter() => text!["KMS Watch may no longer rescue keys"],
            _ if silences => text!["alerts about keys may no longer reach anybody"],
            _ => text!["KMS Watch no longer is as it was deployed"],
        })
    }

    fn title(&self, _: &Case<'_>) -> Text {
        let on = self.on();
        if let Some(finding) = &self.about.finding {
            let what = self.verb();
            let how = if finding.by_call {
                "part not as deployed"
            } else {
                "part does not work"
            };
            return text![what, how, on];
        }
        let operation = self.operation();
        if self.is_attempt() {
            let how = if self.is_denied() {
                " denied"
            } else {
                " failed"
            };
            return text!["KMS Watch: ", operation, on, how];
        }
        match self.about.weight {
            Rated::Deploys => text!["KMS Watch being deployed: ", operation, on],
            _ if self.is_part() && self.deployment_known != Some(false) => {
                text!["KMS Watch changed by CloudFormation: ", operation, on]
            }
            _ => text![self.verb(), operation, on],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        if let Some(finding) = &self.about.finding {
            let who = if finding.by_guard {
                "The function watch-guard"
            } else {
                "A sweep"
            };
            let mut text = text![who, " checked ", self.what(), ": ", &finding.what, "."];
            if finding.by_call {
                text.sentence(
                    "An alert should have reported the call that did this. If none did, the event was lost or suppressed.",
                );
            }
            return text;
        }
        let mut text = text![who(case), " called ", self.operation(), " on ", self.what()];
        match &self.error_code {
            Some(code) => text.push(text![
                ". The call failed with ",
                code,
                ", and nothing changed. With success: ",
                &self.effect,
                "."
            ]),
            None => {
                text.push(".");
                text.sentence(text![self.effect.clone().capitalized(), "."]);
            }
        }
        if self.resources.is_empty() {
            text.sentence(
                "CloudTrail leaves the name out of long requests, and of some that are refused. The call may be about \
                 another stack.",
            );
        }
        if self.is_part() {
            text.sentence(match self.deployment_known {
                Some(false) => {
                    "CloudFormation made the call, but KMS Watch knows no deployment of this stack at that time. Another \
                     stack, or Cloud Control API, may have changed this one."
                }
                _ => {
                    "CloudFormation made the call, as in a deployment of the stack. KMS Watch counts further calls of this \
                     hour and does not tell of each."
                }
            });
        }
        if let Some(count @ 1..) = self.attempts {
            text.sentence(text![
                count,
                if count == 1 {
                    " more call"
                } else {
                    " more calls"
                },
                " like this one came since the last alert."
            ]);
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        let region = self.about.region.as_ref();
        let mut steps = Vec::new();
        if let Some(command) = self.restore() {
            let step = Step::new(
                StepType::Look,
                text!["Read the current settings"],
                Some(command),
            );
            match (step.mutating, self.is_attempt()) {
                (false, _) => steps.push(step),
                (true, false) => steps.push(Step {
                    kind: StepType::Undo,
                    text: text!["Undo this call"],
                    ..step
                }),
                // What failed needs no undoing.
                (true, true) => {}
            }
        }
        let is_deployment = self.is_part() && self.deployment_known != Some(false);
        if self.about.weight != Rated::Deploys && !is_deployment && !self.is_attempt() {
            // CloudFormation User Guide, drift detection: an update with the same template leaves what was changed by hand.
            let plain = self.about.stack.as_ref().filter(|name| is_bare(name));
            let drift = plain.map(|stack| {
                let drift = "aws cloudformation detect-stack-drift --stack-name";
                in_region(format!("{drift} {stack}"), region)
            });
            steps.push(fix(
                text![
                    "Find every difference from the template, and correct it by hand. Deploying the same template again does not \
                     correct it"
                ],
                drift,
            ));
        }
        let plain = self.resources.first().map(Untrusted::as_str);
        let history = plain.filter(|name| is_bare(name)).map(|name| {
            in_region(
                format!(
                    "aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue={name} \
                     --query \"Events[?ReadOnly=='false'].[EventTime,EventName,Username]\" --output table"
                ),
                region,
            )
        });
        steps.push(look(
            text!["List what else was changed there, and by whom"],
            history,
        ));
        steps
    }
}

/// The table says "may" where a call need not have the effect.
const UNCERTAIN: &str = " may ";

impl WatchChanged {
    /// What is certain of it, to begin the title.
    fn verb(&self) -> &'static str {
        let call = self
            .about
            .call
            .filter(|_| self.about.weight != Rated::Disables);
        let is_uncertain = call.is_some_and(|call| call.effect.contains(UNCERTAIN));
        match (self.silences, is_uncertain) {
            (true, false) => "KMS Watch silenced: ",
            (true, true) => "KMS Watch may be silenced: ",
            (false, _) => "KMS Watch changed: ",
        }
    }

    /// ` on KeyActivityRule`: the part, by the shortest name that tells it from others.
    fn on(&self) -> Text {
        let Some((first, others)) = self.resources.split_first() else {
            return text![" on an unnamed part"];
        };
        let short = short_name(first.as_str(), self.about.stack.as_deref());
        let mut text = text![" on ", Untrusted::bounded(short, 48)];
        if !others.is_empty() {
            text.push(text![" and ", others.len(), " more"]);
        }
        text
    }
}

/// The logical id of a part of the stack, else the name at the end of an ARN, a path or a URL.
fn short_name<'t>(name: &'t str, stack: Option<&str>) -> &'t str {
    let parts = name.rsplit(['/', ':']);
    let last = parts.into_iter().find(|part| !part.is_empty());
    let last = last.unwrap_or(name);
    let of_stack = stack.and_then(|stack| last.strip_prefix(stack)?.strip_prefix('-'));
    let Some(rest) = of_stack else {
        return last;
    };
    match rest.rsplit_once('-') {
        Some((id, _)) if !id.is_empty() => id,
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_a_part_by_its_logical_id() {
        let stack = Some("kms-watch");
        for (name, short) in [
            ("kms-watch-KeyActivityRule-1A2B3C4D5E6F", "KeyActivityRule"),
            ("/aws/lambda/kms-watch-KeyMisuse-1A2B3C", "KeyMisuse"),
            (
                "https://sqs.us-east-1.amazonaws.com/111122223333/kms-watch-FailedEvents-1A2B3C",
                "FailedEvents",
            ),
            ("kms-watch-Ledger", "Ledger"),
            ("kms-watch", "kms-watch"),
            (
                "arn:aws:cloudtrail:us-east-1:111122223333:trail/org-trail",
                "org-trail",
            ),
            ("other-stack-Rule-1A2B", "other-stack-Rule-1A2B"),
            ("", ""),
        ] {
            assert_eq!(short_name(name, stack), short, "{name}");
        }
        assert_eq!(short_name("kms-watch-Rule-1A", None), "kms-watch-Rule-1A");
    }
}
