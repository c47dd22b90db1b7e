//! One actor who does the same to many keys.

use jiff::SignedDuration;
use watch_local::{Caller, NewKey};

use super::{Scene, refused};
use crate::demo::error::DemoError;
use crate::demo::show::Detail;

/// Keys of each owner.
const KEYS: usize = 15;

/// Between two calls of the script.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);

impl Scene<'_> {
    pub(super) async fn burst(&mut self) -> Result<(), DemoError> {
        let aws = &self.stage.aws;
        aws.as_caller(Caller::assumed_role("CleanUp", "nightly").from_ip("192.0.2.77"));
        let mut keys = Vec::new();
        for team in ["shop", "web"] {
            for number in 1..=KEYS {
                let key = NewKey::symmetric()
                    .alias(&format!("alias/{team}-{number:02}"))
                    .described(&format!("Service {number} of the {team}"))
                    .tag("Owner", &format!("team-{team}"));
                keys.push(aws.add_key(key));
            }
        }
        self.deployed();
        self.begins(
            "A clean-up script schedules the deletion of 30 keys of two teams within a minute. Five alerts go out by \
             themselves; from then on a team gets one mail when the burst reaches its keys, and one at the 20th.",
        )?;
        for key in &keys {
            let call = self.stage.kms.schedule_key_deletion().key_id(key);
            call.send().await.map_err(refused)?;
            self.deliver(Detail::Brief).await?;
            self.stage.aws.advance(PAUSE);
        }
        self.show.tally()
    }
}
