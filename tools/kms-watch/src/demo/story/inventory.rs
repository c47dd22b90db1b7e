//! What AWS does not tell is found by a sweep.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::OriginType;
use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use watch_core::pipeline::Verdict;
use watch_local::Delivery;

use super::{Scene, refused};
use crate::demo::error::DemoError;
use crate::demo::show::Detail;

/// Days until the fourth key's material ends and the third is rotated. KMS rotates after 90 days at the earliest.
const TERM: i32 = 94;

/// When the daily sweep is scheduled, and the light one every hour.
const FULL: (i8, i8) = (3, 23);
const LIGHT: i8 = 53;

/// The namespace of the metrics.
const METRICS: &str = "KMSWatch";
/// The one whose value no two runs share.
const DURATION: &str = "SweepSeconds";
/// Columns of their names.
const METRIC_WIDTH: usize = 27;

impl Scene<'_> {
    pub(super) async fn sweep(&mut self) -> Result<(), DemoError> {
        let (kms, aws) = (&self.stage.kms, &self.stage.aws);
        // So that what KMS does by itself falls into the night.
        aws.advance(SignedDuration::from_hours(17));
        let own = OriginType::AwsKms;
        let addresses = "Addresses of the newsletter";
        let newsletter = self
            .create(own.clone(), addresses, "alias/newsletter", "team-web")
            .await?;
        let leads = self
            .create(
                own.clone(),
                "Leads of the old CRM",
                "alias/leads",
                "team-sales",
            )
            .await?;
        let stock = self
            .create(own, "Stock of the warehouse", "alias/stock", "team-log")
            .await?;
        let material = "Tills, material from our own HSM";
        let tills = self
            .create(OriginType::External, material, "alias/tills", "team-shop")
            .await?;
        let rotate = kms.enable_key_rotation().key_id(&stock);
        let rotate = rotate.rotation_period_in_days(TERM).send().await;
        rotate.map_err(refused)?;
        self.import(&tills, TERM.into()).await?;
        let encrypt = kms.encrypt().key_id(&leads).plaintext(Blob::new("a lead"));
        encrypt.send().await.map_err(refused)?;
        aws.advance(SignedDuration::from_hours(7));
        self.pass(93);
        let encrypt = kms.encrypt().key_id(&newsletter);
        let encrypt = encrypt.plaintext(Blob::new("an address"));
        encrypt.send().await.map_err(refused)?;
        self.deployed();

        self.until((10, LIGHT))?;
        self.at("The watch is deployed into an account with four keys. Its first sweep looks at all of them and learns how they stand. It tells only what is due, and sends the digest of the week.")?;
        self.swept("light", Detail::Brief).await?;

        self.silence(&newsletter, &leads).await?;
        self.countdown().await?;
        self.metrics()
    }

    /// What happens while no event comes, and who finds it.
    async fn silence(&mut self, newsletter: &str, leads: &str) -> Result<(), DemoError> {
        let (kms, aws) = (&self.stage.kms, &self.stage.aws);
        aws.set_delivery(Delivery::nothing());
        self.until((14, 0))?;
        let disable = kms.disable_key().key_id(newsletter);
        disable.send().await.map_err(refused)?;
        aws.advance(SignedDuration::from_mins(10));
        let schedule = kms.schedule_key_deletion().key_id(leads);
        let schedule = schedule.pending_window_in_days(7).send().await;
        schedule.map_err(refused)?;
        self.at("From here on EventBridge delivers nothing. Maria has switched one key off, and has scheduled the deletion of another. Nobody is told.")?;
        self.deliver(Detail::Whole).await?;
        self.until((3, 0))?;
        aws.advance(SignedDuration::from_mins(1));
        self.at("At night KMS rotates the third key, and the imported material of the fourth ends. Nobody is told of that, either.")?;
        self.deliver(Detail::Whole).await?;

        self.until(FULL)?;
        self.at("The daily sweep finds that no key is as it was. It holds all four differences for half an hour: the events may only be late.")?;
        self.swept("full", Detail::Whole).await?;
        self.until((3, LIGHT))?;
        self.at("They were not. The sweep of the hour reads in CloudTrail's event history who did it and when, and tells people what the events would have told.")?;
        self.swept("light", Detail::Whole).await?;

        let late = aws.lost_events();
        self.until((9, 0))?;
        self.at("The events arrive after all. Each tells of what people know, under the same id.")?;
        for event in &late {
            self.arrives(event, Detail::Whole).await?;
        }
        Ok(())
    }

    /// The days until a key is gone.
    async fn countdown(&mut self) -> Result<(), DemoError> {
        self.at("EventBridge falls silent again, and days pass, each with a sweep: it counts down to the deletion, at seven days, three and one.")?;
        for _ in 0..5 {
            self.until(FULL)?;
            self.swept("full", Detail::Brief).await?;
        }
        self.until(FULL)?;
        self.at("Monday, the last day: the last warning, and the digest of the week.")?;
        self.swept("full", Detail::Whole).await?;

        self.until((14, LIGHT))?;
        self.at("KMS deleted the key at 14:10, and no event says so. The sweep misses it in the list, and holds that back, too.")?;
        self.swept("light", Detail::Whole).await?;
        self.until((15, LIGHT))?;
        self.at(
            "An hour later it is sure. KMS has forgotten the key, and the ledger knows its name.",
        )?;
        self.swept("light", Detail::Whole).await?;

        self.until(FULL)?;
        self.at("The next full sweep finds everything as it is known. What it measures stands in CloudWatch, a few numbers for the whole account.")?;
        self.swept("full", Detail::Whole).await?;
        Ok(())
    }

    /// Time passes until it is so late next.
    fn until(&self, (hour, minute): (i8, i8)) -> Result<(), DemoError> {
        let wrong = |error: jiff::Error| DemoError::Aws(error.to_string());
        let now = self.stage.aws.now().to_zoned(TimeZone::UTC);
        let today = now.with().time(time(hour, minute, 0, 0)).build();
        let mut then = today.map_err(wrong)?;
        if then <= now {
            then = then.checked_add(1.day()).map_err(wrong)?;
        }
        self.stage.aws.advance_to(then.timestamp());
        Ok(())
    }

    /// A scene begins at this hour.
    fn at(&mut self, what: &str) -> Result<(), DemoError> {
        let now = self.stage.aws.now().to_zoned(TimeZone::UTC);
        let when = now.strftime("%a %F %H:%M UTC").to_string();
        self.show.scene(&when, what)
    }

    /// A sweep is made, and told.
    async fn swept(&mut self, depth: &str, detail: Detail) -> Result<(), DemoError> {
        let swept = self.stage.sweep(depth).await?;
        let alerts = swept.telling.outcome.alerts.len();
        if detail == Detail::Whole {
            self.show.remark(&format!(
                "{}: looked at {} of {} keys in {} calls of KMS; {}",
                swept.telling.teller.event,
                swept.looked_at,
                swept.keys,
                swept.calls,
                match alerts {
                    0 => "nothing to tell".to_owned(),
                    1 => "1 alert".to_owned(),
                    alerts => format!("{alerts} alerts"),
                }
            ))?;
        }
        match swept.telling.outcome.verdict {
            Verdict::Ignored => Ok(()),
            _ => self.show.telling(&swept.telling, detail),
        }
    }

    /// What the sweep that was made just now has put.
    fn metrics(&mut self) -> Result<(), DemoError> {
        let now = self.stage.aws.now();
        let points = self.stage.aws.metric_points(METRICS).into_iter();
        let lines = points
            .filter(|point| point.at >= now && point.name != DURATION)
            .map(|point| {
                let dimensions = point.dimensions.iter();
                let dimensions = dimensions.map(|(name, value)| format!(" {name}={value}"));
                let name = point.name.clone() + &dimensions.collect::<String>();
                format!("{name:METRIC_WIDTH$} {}", point.value.round())
            });
        let mut lines: Vec<_> = lines.collect();
        lines.sort();
        self.show.remark(&lines.join("\n"))
    }
}
