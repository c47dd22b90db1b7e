//! Settings of key-rescue.

use std::collections::BTreeSet;

use super::{Config, ConfigError, Reader, split};
use crate::actor::Actor;
use crate::kinds::RescueAction;
use crate::protection::fits;

/// What the stack is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RescueMode {
    /// It says what it would do.
    Advise,
    /// It does it.
    Act,
}

/// What key-rescue may do, to which keys, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RescueSettings {
    /// What the stack is told to do.
    pub mode: RescueMode,
    /// What may be done.
    pub actions: BTreeSet<RescueAction>,
    /// Patterns, with `*`, of the ARNs of those who are never stopped.
    pub exempt: Vec<String>,
    /// Most rescues within an hour.
    pub per_hour: u64,
    /// Name of the parameter that stops all rescues.
    pub switch_parameter: String,
}

impl RescueSettings {
    /// Whoever it is, is never stopped: by the ARN of the role or user.
    pub fn is_exempt(&self, actor: &Actor) -> bool {
        let arns = [&actor.issuer_arn, &actor.arn];
        let mut arns = arns.into_iter().flatten();
        arns.any(|arn| self.exempt.iter().any(|it| fits(it, arn.as_str())))
    }
}

/// Settings of key-rescue, with those of any function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RescueConfig {
    /// Those of a function that alerts. The ledger's table is set.
    pub alerts: Config,
    /// Its own.
    pub rescue: RescueSettings,
}

impl RescueConfig {
    /// Reads the settings through `lookup`, as [`Config::from_lookup`] does. Whatever is wrong with those of its own keeps the
    /// function from starting: nobody wants it to change keys by a misunderstanding.
    ///
    /// # Errors
    ///
    /// All missing and malformed variables together.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        required: &[&'static str],
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(&lookup);
        let own = [
            "LEDGER_TABLE",
            "RESCUE_ROLE_ARN",
            "RESCUE_MODE",
            "RESCUE_ACTIONS",
            "RESCUE_PER_HOUR",
            "RESCUE_SWITCH",
        ];
        for name in own {
            if reader.text(name).is_none() {
                reader.fatal(name, "is missing");
            }
        }
        let mode = reader.choice(
            "RESCUE_MODE",
            RescueMode::Advise,
            "neither advise nor act",
            |text| match text {
                "advise" => Some(RescueMode::Advise),
                "act" => Some(RescueMode::Act),
                _ => None,
            },
        );
        let actions = reader.rescue_actions("RESCUE_ACTIONS", "");
        let number = "not a number from 1 to 100";
        let per_hour = reader.choice("RESCUE_PER_HOUR", 1, number, |text| {
            text.parse().ok().filter(|most| (1..=100).contains(most))
        });
        let switch_parameter = reader.parameter("RESCUE_SWITCH").unwrap_or_default();
        let exempt = reader.text("RESCUE_EXEMPT").unwrap_or_default();
        let settings = RescueSettings {
            mode,
            actions,
            exempt: split(&exempt).map(str::to_owned).collect(),
            per_hour,
            switch_parameter,
        };
        let mut problems = reader.problems;
        match Config::from_lookup(&lookup, required) {
            Ok(alerts) if problems.is_empty() => Ok(Self {
                alerts,
                rescue: settings,
            }),
            Ok(_) => Err(ConfigError { problems }),
            Err(error) => {
                problems.splice(0..0, error.problems);
                Err(ConfigError { problems })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::text::Untrusted;

    const GOOD: [(&str, &str); 7] = [
        (
            "ALERT_TOPIC_ARN",
            "arn:aws:sns:us-east-1:111122223333:alerts",
        ),
        ("LEDGER_TABLE", "ledger"),
        (
            "RESCUE_ROLE_ARN",
            "arn:aws:iam::111122223333:role/kms-watch-KeyRescueRole-1",
        ),
        ("RESCUE_MODE", "act"),
        ("RESCUE_ACTIONS", "cancel-deletion, enable-rotation"),
        ("RESCUE_PER_HOUR", "20"),
        ("RESCUE_SWITCH", "/kms-watch/rescue"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<RescueConfig, ConfigError> {
        let mut map: BTreeMap<_, _> = GOOD.into_iter().collect();
        map.extend(changes.iter().copied());
        RescueConfig::from_lookup(|name| map.get(name).map(|value| (*value).to_owned()), &[])
    }

    #[test]
    fn what_is_not_understood_keeps_it_from_starting() {
        let good = read(&[]).unwrap().rescue;
        assert_eq!((good.mode, good.actions.len()), (RescueMode::Act, 2));
        for (name, value) in [
            ("RESCUE_MODE", "ACT"),
            ("RESCUE_ACTIONS", "cancel-deletion,restore-everything"),
            ("RESCUE_PER_HOUR", "0"),
            ("RESCUE_PER_HOUR", "101"),
            ("RESCUE_SWITCH", "rescue"),
            ("RESCUE_MODE", ""),
            ("RESCUE_ACTIONS", ""),
            ("RESCUE_PER_HOUR", ""),
            ("RESCUE_SWITCH", " "),
            ("RESCUE_ROLE_ARN", ""),
            ("LEDGER_TABLE", ""),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert_eq!(error.problems().len(), 1, "{name} {value:?}: {error}");
            assert!(error.problems()[0].starts_with(name), "{error}");
        }
        let all = read(&[("ALERT_TOPIC_ARN", ""), ("RESCUE_MODE", "on")]);
        assert_eq!(all.unwrap_err().problems().len(), 2);
    }

    #[test]
    fn who_is_exempt_is_known_by_a_pattern() {
        let exempt = "arn:aws:iam::111122223333:role/Retire*, arn:aws:iam::*:role/*/Janitor";
        let settings = read(&[("RESCUE_EXEMPT", exempt)]).unwrap().rescue;
        let is_exempt = |arn: &str| {
            let mut actor = Actor::unknown();
            actor.issuer_arn = Some(Untrusted::new(arn));
            settings.is_exempt(&actor)
        };
        for arn in [
            "arn:aws:iam::111122223333:role/Retire",
            "arn:aws:iam::111122223333:role/RetireKeys",
            "arn:aws:iam::444455556666:role/ops/Janitor",
        ] {
            assert!(is_exempt(arn), "{arn}");
        }
        for arn in [
            "",
            "arn:aws:iam::111122223333:role/NoRetire",
            "arn:aws:iam::444455556666:role/Retire",
            "arn:aws:iam::444455556666:role/ops/Janitor2",
            "arn:aws:iam::444455556666:role/Janitor",
        ] {
            assert!(!is_exempt(arn), "{arn}");
        }
        assert!(!settings.is_exempt(&Actor::unknown()));
        assert!(read(&[]).unwrap().rescue.exempt.is_empty());
    }
}
