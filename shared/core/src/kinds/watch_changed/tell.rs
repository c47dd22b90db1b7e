//! What is said of a change of the watch.

use super::{Rated, WatchChanged};
use crate::arn::Region;
use crate::kinds::case::{Case, ask, fix, look, undo};
use crate::kinds::describe::Tell;
use crate::kinds::words::who;
use crate::severity::Severity;
use crate::step::{Step, is_bare, is_queue_url};
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

    fn title(&self, _: &Case<'_>) -> Text {
        if self.about.finding.is_some() {
            return text!["KMS Watch is not as it was deployed: ", self.what()];
        }
        let operation = self.operation();
        if self.is_attempt() {
            return text![
                "Somebody tried to change KMS Watch: ",
                operation,
                " on ",
                self.what()
            ];
        }
        match self.about.weight {
            Rated::Deploys => text![
                "KMS Watch is being deployed: ",
                operation,
                " on ",
                self.what()
            ],
            _ if self.is_part() && self.deployment_known != Some(false) => {
                text![
                    "CloudFormation changes KMS Watch: ",
                    operation,
                    " on ",
                    self.what()
                ]
            }
            Rated::Silences | Rated::Disables => {
                text!["KMS Watch was silenced: ", operation, " on ", self.what()]
            }
            Rated::Changes | Rated::Mutes(_) => {
                text!["KMS Watch was changed: ", operation, " on ", self.what()]
            }
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        if let Some(finding) = &self.about.finding {
            let mut text = text!["The sweep looked at ", self.what(), " and found: "];
            text.push(&finding.what);
            text.push(
                ". No event told of it: whoever did it did so unseen, or silenced the event.",
            );
            return text;
        }
        let mut text = text![who(case), " called ", self.operation(), " on ", self.what()];
        if let Some(code) = &self.error_code {
            text.push(text![" and failed with ", code, ". Nothing changed."]);
            text.sentence("Had it worked: ");
        } else {
            text.push(". ");
            text.push("It follows: ");
        }
        text.push(text![&self.effect, "."]);
        if self.resources.is_empty() {
            text.sentence(
                "CloudTrail left out what the call was about, which it does with long requests and with some that are \
                 refused: it may be another stack's.",
            );
        }
        if self.is_part() {
            text.sentence(match self.deployment_known {
                Some(false) => {
                    "CloudFormation made the call, but for no deployment of this stack that is known: another stack, or \
                     somebody through Cloud Control, may have reached into this one."
                }
                _ => {
                    "CloudFormation made the call, as it does when the stack is deployed. Further ones within the hour \
                     are counted, and not told."
                }
            });
        }
        if let Some(count @ 1..) = self.attempts {
            text.sentence(text![
                "So did ",
                count,
                " more calls since the last alert about them."
            ]);
        }
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        let region = self.about.region.as_ref();
        let mut steps = vec![ask(text![
            "Ask the actor, over another way than this one, whether it was meant"
        ])];
        if let Some(command) = self.restore() {
            steps.push(undo(
                text!["See how it stands, and bring it back"],
                Some(command),
            ));
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
                    "Find what else differs from the template: deploying the same template again does not restore it. \
                     Then read what happened to keys meanwhile"
                ],
                drift,
            ));
        }
        let plain = self.resources.first().map(Untrusted::as_str);
        let history = plain.filter(|name| is_bare(name)).map(|name| {
            in_region(
                format!(
                    "aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue={name} \
                     --max-results 50"
                ),
                region,
            )
        });
        steps.push(look(
            text!["See what else was done to it, and by whom"],
            history,
        ));
        steps
    }
}
