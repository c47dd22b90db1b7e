//! A request from its arrival to its answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, StatusCode};

use serde_json::Value;

use super::{answer::Answer, scope::Scope, target::Target};
use crate::{
    faults::Verdict,
    hooks::{Hook, Moment},
    lambda::{self, Act, Invoked},
    server::{Reply, plain},
    world::World,
};

/// Answers one request; the lock is not held while a delay lasts.
pub(crate) async fn answer(world: Arc<Mutex<World>>, request: Request<Bytes>) -> Reply {
    let Some(target) = Target::read(&request) else {
        return Some(plain(StatusCode::NOT_FOUND));
    };
    let scope = Scope::read(request.headers());
    let member = scope
        .as_ref()
        .and_then(|scope| lock(&world).member_of(&scope.access_key));
    if let Some(member) = member {
        return Box::pin(answer(member, request)).await;
    }
    let (plan, index, scope, hook) = {
        let mut world = lock(&world);
        match scope {
            Some(scope) => {
                let (plan, index) = target.arrive(&mut world, &scope);
                let hook = world.hooks.arrive();
                (plan, index, scope, hook)
            }
            None => return Some(target.unauthenticated(&mut world).into_response()),
        }
    };
    let (before, after) = match hook {
        Some(hook) if hook.moment == Moment::BeforeEffect => (Some(hook), None),
        hook => (None, hook),
    };
    if let Some(hook) = before {
        return hooked(&world, index, hook);
    }
    if !plan.delay.is_zero() {
        tokio::time::sleep(plan.delay).await;
    }
    let shared = world;
    let invocation = target.invocation(&lock(&shared), &scope, plan.verdict);
    if let Some(invocation) = invocation {
        return invoke(&shared, index, invocation).await;
    }
    let mut world = lock(&shared);
    if plan.verdict == Some(Verdict::Dropped) {
        world.record.failed(index, "ConnectionReset");
        return None;
    }
    let answer = target.carry_out(&mut world, &scope, plan.verdict);
    if let Some(code) = &answer.error {
        world.record.failed(index, code);
    }
    if let Some(hook) = after {
        drop(world);
        return hooked(&shared, index, hook);
    }
    Some(answer.into_response())
}

/// What is to be done, with which event, and whether somebody waits for it.
type Invocation = (Act, Value, bool);

/// Lets a function do what a test says it does, on another thread: it may call this server.
async fn invoke(world: &Mutex<World>, index: usize, (act, event, waits): Invocation) -> Reply {
    let request_id = lock(world).context.ids.uuid();
    let done = tokio::task::spawn_blocking(move || lambda::run(&act, event));
    let invoked = if waits {
        done.await.ok()?
    } else {
        Invoked::Accepted
    };
    let answer = Answer::invoked(invoked, request_id);
    if let Some(code) = &answer.error {
        lock(world).record.failed(index, code);
    }
    Some(answer.into_response())
}

impl Target {
    /// The invocation that it is, if it meets no fault and the function is there.
    fn invocation(
        &self,
        world: &World,
        scope: &Scope,
        verdict: Option<Verdict>,
    ) -> Option<Invocation> {
        let Self::Deployed {
            operation, body, ..
        } = self
        else {
            return None;
        };
        if operation != "Invoke" {
            return None;
        }
        let function = body["FunctionName"].as_str()?;
        let act = world.lambda.get(&scope.region, function)?;
        let event = Some(&body["Payload"]).filter(|event| !event.is_null())?;
        let (event, waits) = (event.clone(), body["Waits"] == true);
        verdict.is_none().then_some((act, event, waits))
    }
}

/// Does what a test wants at this moment, without the lock; nobody is there to be answered.
fn hooked(world: &Mutex<World>, index: usize, hook: Hook) -> Reply {
    let request = lock(world).record.all().get(index).cloned();
    if let Some(request) = request {
        (hook.act)(&request);
    }
    lock(world).record.failed(index, "ConnectionReset");
    None
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}
