//! The HTTP server: its own thread, its own runtime, gone when it is dropped.

use std::{
    convert::Infallible,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{oneshot, watch},
    task::JoinSet,
};

/// The longest request body that is read: well above the limits of the services, which refuse too much themselves.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// Connections that wait to be accepted, as many as the standard library lets wait.
const BACKLOG: u32 = 128;

/// An answer, or `None` to close the connection without one.
pub(crate) type Reply = Option<Response<Full<Bytes>>>;

/// A running server.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<Infallible>>,
    /// Whether connections are accepted, and the answer once a change has come into force.
    gate: watch::Sender<bool>,
    changed: Mutex<mpsc::Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Closes the connection: hyper drops it when the service fails.
#[derive(Debug, thiserror::Error)]
#[error("connection reset on request")]
struct Reset;

impl Server {
    /// Answers every request with `answer`, each in a task of its own.
    pub(crate) fn start<A, F>(name: &str, answer: A) -> io::Result<Self>
    where
        A: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let port = Port::reserve()?;
        let address = port.address;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = {
            let _runtime = runtime.enter();
            port.listen()?
        };
        let (stop, stopped) = oneshot::channel();
        let (gate, gated) = watch::channel(true);
        let (change, changed) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Ends when `stop` is dropped; dropping the runtime then ends every connection.
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = serve(&port, listener, Arc::new(answer), gated, change) => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            stop: Some(stop),
            gate,
            changed: Mutex::new(changed),
            thread: Some(thread),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener and every connection, or opens the listener again; returns when it is done.
    pub(crate) fn set_open(&self, open: bool) {
        let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if self.gate.send_replace(open) != open {
            // The server thread does it between two requests; there is nothing to be done about one that hangs.
            let _ = changed.recv_timeout(Duration::from_secs(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ended by itself or with a panic that the test has seen as a broken connection.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A port of this machine that stays taken while nobody listens: the system gives a port to no other socket while one is
/// bound to it, and refuses connections to it as long as none listens.
struct Port {
    address: SocketAddr,
    _bound: TcpSocket,
}

impl Port {
    fn reserve() -> io::Result<Self> {
        let bound = Self::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Self {
            address: bound.local_addr()?,
            _bound: bound,
        })
    }

    fn listen(&self) -> io::Result<TcpListener> {
        Self::bind(self.address)?.listen(BACKLOG)
    }

    /// With reuse, a second socket may be bound to the port before it listens.
    fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    }
}

/// Listens while the gate is open; a closed port refuses connections, as a service that is down does.
async fn serve<A, F>(
    port: &Port,
    listener: TcpListener,
    answer: Arc<A>,
    mut gate: watch::Receiver<bool>,
    change: mpsc::Sender<()>,
) where
    A: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let mut listener = listener;
    loop {
        tokio::select! {
            // Dropping the other future closes listener and connections.
            closed = gate.wait_for(|open| !open) => if closed.is_err() { return },
            () = accept(listener, Arc::clone(&answer)) => return,
        }
        let _ = change.send(());
        if gate.wait_for(|open| *open).await.is_err() {
            return;
        }
        let Ok(again) = port.listen() else {
            return;
        };
        listener = again;
        let _ = change.send(());
    }
}

/// Ends its connections when it is dropped.
async fn accept<A, F>(listener: TcpListener, answer: Arc<A>)
where
    A: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        // A client that left before it was accepted is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        while connections.try_join_next().is_some() {}
        // Answers are small and the next request waits for them.
        let _ = stream.set_nodelay(true);
        let answer = Arc::clone(&answer);
        let service = service_fn(move |request| respond(Arc::clone(&answer), request));
        connections.spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            // Errors here are clients that hung up, and our own resets.
            let _ = connection.await;
        });
    }
}

async fn respond<A, F>(
    answer: Arc<A>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Reset>
where
    A: Fn(Request<Bytes>) -> F,
    F: Future<Output = Reply>,
{
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE));
    };
    answer(Request::from_parts(parts, body.to_bytes()))
        .await
        .ok_or(Reset)
}

/// An answer without a body.
pub(crate) fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
