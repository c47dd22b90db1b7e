//! CloudTrail's event history, and CloudWatch's metrics.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use jiff::Timestamp;
use serde_json::Value;

use crate::ports::{CallError, Datum, Metrics, Page, Trail};

/// CloudTrail's records. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct FakeTrail {
    /// The records, as they stand in an event's `detail`.
    pub records: Rc<RefCell<Vec<Value>>>,
    /// The operations that were asked for, in that order.
    pub asked: Rc<RefCell<Vec<String>>>,
    /// Every call is denied.
    pub broken: Rc<Cell<bool>>,
}

impl Trail for FakeTrail {
    async fn lookup_events(
        &self,
        name: &str,
        since: Timestamp,
        until: Timestamp,
        _: Option<&str>,
    ) -> Result<Page<Value>, CallError> {
        self.asked.borrow_mut().push(name.to_owned());
        if self.broken.get() {
            return Err(CallError::new("AccessDeniedException", "no"));
        }
        let records = self.records.borrow();
        let within = |record: &&Value| {
            let time: Timestamp = record["eventTime"].as_str().unwrap().parse().unwrap();
            record["eventName"] == name && time >= since && time <= until
        };
        Ok(Page {
            items: records.iter().filter(within).cloned().collect(),
            next: None,
        })
    }
}

/// Metrics that keep what they get. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct FakeMetrics(pub Rc<RefCell<Vec<Datum>>>);

impl Metrics for FakeMetrics {
    async fn put_metric_data(&self, _: &str, data: &[Datum]) -> Result<(), CallError> {
        self.0.borrow_mut().extend(data.iter().cloned());
        Ok(())
    }
}
