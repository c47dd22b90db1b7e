//! Alerts on standard input, a line each, as findings on standard output: a line each, with both formats. What is no alert ends it.

use std::io::{Write, stdin, stdout};

use serde_json::{Value, json};
use watch_core::arn::{AccountId, Partition, Region};
use watch_findings::asff::asff;
use watch_findings::ocsf::ocsf;
use watch_findings::{Home, read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in stdin().lines() {
        let line = line?;
        let alert: Value = serde_json::from_str(&line)?;
        let text = |name: &str| alert[name].as_str().unwrap_or_default();
        // Each at home where it says; an account that it does not say is anybody's.
        let home = Home {
            partition: Partition::new(text("partition")).ok_or("no partition")?,
            account: AccountId::new("111122223333").ok_or("no account")?,
            region: Region::new(alert["region"].as_str().unwrap_or("us-east-1"))
                .ok_or("no Region")?,
        };
        let finding = read::alert(&line, &home)?;
        let both = json!({ "asff": asff(&finding, &home), "ocsf": ocsf(&finding) });
        writeln!(stdout(), "{both}")?;
    }
    Ok(())
}
