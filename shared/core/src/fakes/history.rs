//! CloudTrail's event history, and CloudWatch's metrics.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::answers::Grant;
use crate::arn::{KeyArn, Region};
use crate::ports::{
    CallError, Counts, DailyUses, Datum, Grants, Metrics, Page, Recorder, Trail, UseMetric, Uses,
};

/// CloudTrail's records. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct FakeTrail {
    /// The records, as they stand in an event's `detail`.
    pub records: Rc<RefCell<Vec<Value>>>,
    /// The operations that were asked for, in that order.
    pub asked: Rc<RefCell<Vec<String>>>,
    /// Every call is denied.
    pub broken: Rc<Cell<bool>>,
    /// How long a look-up about a key takes.
    pub delay: Rc<Cell<Duration>>,
    /// The grants of every key.
    pub grants: Rc<RefCell<Vec<Grant>>>,
    /// What AWS Config has, on pages. `None`: no recorder is on.
    pub recorded: Rc<RefCell<Option<Vec<Vec<Value>>>>>,
    /// The expressions by which it was asked for.
    pub expressions: Rc<RefCell<Vec<String>>>,
}

/// Events on a page.
const PAGE: usize = 50;

impl FakeTrail {
    async fn look_up(
        &self,
        asked: String,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Page<Value>, CallError> {
        self.asked.borrow_mut().push(asked);
        tokio::time::sleep(self.delay.get()).await;
        if self.broken.get() {
            return Err(CallError::new("AccessDeniedException", "no"));
        }
        let mut records: Vec<_> = self.records.borrow().clone();
        records.retain(wanted);
        records.sort_by_key(|record| std::cmp::Reverse(time(record)));
        let next = (records.len() > PAGE).then(|| "more".to_owned());
        records.truncate(PAGE);
        Ok(Page {
            items: records,
            next,
        })
    }
}

fn time(record: &Value) -> Timestamp {
    record["eventTime"].as_str().unwrap().parse().unwrap()
}

impl Uses for FakeTrail {
    async fn uses_of_key(
        &self,
        key: &KeyArn,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Page<Value>, CallError> {
        let arn = key.to_string();
        let is_of_key = |record: &Value| {
            let time = time(record);
            record["resources"][0]["ARN"] == arn && time >= since && time <= until
        };
        self.look_up(format!("{} until {until}", key.id()), is_of_key)
            .await
    }

    async fn event(&self, _: &KeyArn, id: &str) -> Result<Page<Value>, CallError> {
        self.look_up(format!("event {id}"), |record| record["eventID"] == id)
            .await
    }
}

impl Grants for FakeTrail {
    async fn list_grants(
        &self,
        _: &KeyArn,
        marker: Option<&str>,
    ) -> Result<Page<Grant>, CallError> {
        tokio::time::sleep(self.delay.get()).await;
        if self.broken.get() {
            return Err(CallError::new("AccessDeniedException", "no"));
        }
        let start = marker.map_or(0, |marker| marker.parse().unwrap());
        let grants = self.grants.borrow();
        Ok(Page {
            items: grants.iter().skip(start).take(100).cloned().collect(),
            next: (grants.len() > start + 100).then(|| (start + 100).to_string()),
        })
    }
}

/// The first expression selects everything, the others nothing.
impl Recorder for FakeTrail {
    async fn is_recording(&self, _: &Region) -> Result<bool, CallError> {
        tokio::time::sleep(self.delay.get()).await;
        if self.broken.get() {
            return Err(CallError::new("AccessDeniedException", "no"));
        }
        Ok(self.recorded.borrow().is_some())
    }

    async fn select(
        &self,
        _: &Region,
        expression: &str,
        token: Option<&str>,
    ) -> Result<Page<Value>, CallError> {
        let is_first = self.expressions.borrow().is_empty();
        self.expressions.borrow_mut().push(expression.to_owned());
        let number = token.map_or(0, |token| token.parse().unwrap());
        let recorded = self.recorded.borrow();
        let pages = recorded.iter().flatten();
        let pages: Vec<_> = pages.filter(|_| is_first || token.is_some()).collect();
        Ok(Page {
            items: pages.get(number).map_or_else(Vec::new, |it| (*it).clone()),
            next: (number + 1 < pages.len()).then(|| (number + 1).to_string()),
        })
    }
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

/// Metrics that keep what they get, and count what the test says. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct FakeMetrics {
    /// What was put.
    pub put: Rc<RefCell<Vec<Datum>>>,
    /// Uses by key and day.
    pub uses: Rc<RefCell<Vec<(String, Timestamp, f64)>>>,
    /// How many metrics each call of `GetMetricData` asked for.
    pub asked: Rc<RefCell<Vec<usize>>>,
    /// Calls that read fail with this code.
    pub failing: Rc<Cell<Option<&'static str>>>,
}

impl Metrics for FakeMetrics {
    async fn put_metric_data(&self, _: &str, data: &[Datum]) -> Result<(), CallError> {
        self.put.borrow_mut().extend(data.iter().cloned());
        Ok(())
    }
}

/// So few, that a test sees pages.
const METRICS_PAGE: usize = 2;

impl FakeMetrics {
    fn answer(&self) -> Result<(), CallError> {
        let failing = self.failing.get();
        failing.map_or(Ok(()), |code| Err(CallError::new(code, "no")))
    }
}

impl Counts for FakeMetrics {
    async fn use_metrics(&self, token: Option<&str>) -> Result<Page<UseMetric>, CallError> {
        self.answer()?;
        let mut keys: Vec<_> = self
            .uses
            .borrow()
            .iter()
            .map(|use_| use_.0.clone())
            .collect();
        keys.sort();
        keys.dedup();
        let start = token.map_or(0, |token| token.parse().unwrap());
        let metric = |key: &String| UseMetric {
            dimensions: vec![
                ("KeyArn".to_owned(), key.clone()),
                ("Operation".to_owned(), "Decrypt".to_owned()),
            ],
        };
        let shown = keys.iter().skip(start).take(METRICS_PAGE);
        let next = start + METRICS_PAGE;
        Ok(Page {
            items: shown.map(metric).collect(),
            next: (keys.len() > next).then(|| next.to_string()),
        })
    }

    async fn uses_a_day(
        &self,
        metrics: &[UseMetric],
        since: Timestamp,
        until: Timestamp,
        _: Option<&str>,
    ) -> Result<Page<DailyUses>, CallError> {
        self.asked.borrow_mut().push(metrics.len());
        self.answer()?;
        let uses = self.uses.borrow();
        let mut items = Vec::new();
        for (place, metric) in metrics.iter().enumerate() {
            let of_metric = uses.iter().filter(|(key, day, _)| {
                metric.keys().any(|it| it == key) && *day >= since && *day < until
            });
            items.extend(of_metric.map(|(_, day, uses)| DailyUses {
                metric: place,
                day: *day,
                uses: *uses,
            }));
        }
        Ok(Page { items, next: None })
    }
}
