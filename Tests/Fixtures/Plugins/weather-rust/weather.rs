// The example plugin in Rust, without crates; examples/weather-c is the same in C. Built by the tests.
// No panic may cross the boundary: it is compiled with panic=abort, and nothing here indexes or unwraps foreign input.
//
// SPDX-License-Identifier: Apache-2.0

mod abi;
use abi::*;
use std::ffi::{c_void, CStr};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const TEXT: &[u8] =
    b"abi=1\0id=weather-rust\0version=0.1.0\0needs=nexo.http/1,nexo.metrics/1,nexo.tool/1,nexo.op/1\0";
#[used]
#[link_section = ".note.nexo.plugin"]
static NOTE: Note<{ (TEXT.len() + 3) / 4 * 4 }> = Note::new(TEXT);

/// What the callbacks and the plugin's own threads share. The host's pointers are immortal and callable from everywhere.
struct Weather {
    host: *const Host,
    metrics: *const Metrics,
    http: *const Http,
    ops: *const Ops,
    requests: *mut c_void,
    celsius: *mut c_void,
    stopping: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}
unsafe impl Send for Weather {}
unsafe impl Sync for Weather {}

fn text(s: &str) -> Str {
    Str { ptr: s.as_ptr().cast(), len: s.len() }
}
fn bytes<'a>(s: Str) -> &'a [u8] {
    if s.ptr.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(s.ptr.cast(), s.len) } }
}
fn degrees(city: Str) -> i32 {
    bytes(city).iter().fold(0, |sum, b| (sum * 31 + i32::from(*b)) % 40) - 5
}

impl Weather {
    fn json(&self, x: u64, body: &str) {
        let header = Kv { key: text("content-type"), value: text("application/json; charset=utf-8") };
        unsafe { ((*self.metrics).counter_add)(self.requests, 1) };
        unsafe { ((*self.http).respond)(self.host, x, 200, &header, 1, text(body)) };
    }
    /// Runs on a thread of the plugin's, which destroy() joins. A real plugin would block its signals (pthread_sigmask).
    fn spawn(self: &Arc<Self>, work: impl FnOnce(&Weather) + Send + 'static) {
        let weather = self.clone();
        if let Ok(mut threads) = self.threads.lock() {
            threads.push(thread::spawn(move || work(&weather)));
        }
    }
}

/// The instance behind a `ctx`: an Arc that create() leaked and destroy() takes back.
fn weather(ctx: *mut c_void) -> Arc<Weather> {
    let ptr: *const Weather = ctx.cast_const().cast();
    unsafe {
        Arc::increment_strong_count(ptr);
        Arc::from_raw(ptr)
    }
}

extern "C" fn on_now(ctx: *mut c_void, x: u64, request: *const Request) {
    let city = unsafe { if (*request).param_count > 0 { (*(*request).params).value } else { (*request).path } };
    weather(ctx).json(x, &format!("{{\"celsius\":{}}}", degrees(city)));
}
extern "C" fn on_later(ctx: *mut c_void, x: u64, _: *const Request) {
    weather(ctx).spawn(move |w| {
        thread::sleep(Duration::from_secs(1));
        w.json(x, "{\"celsius\":7}");
    });
}
extern "C" fn on_events(ctx: *mut c_void, x: u64, _: *const Request) {
    weather(ctx).spawn(move |w| {
        let header = Kv { key: text("content-type"), value: text("text/event-stream") };
        let mut status = unsafe { ((*w.http).begin)(w.host, x, 200, &header, 1) };
        let mut hour = 0;
        while status >= 0 && !w.stopping.load(Ordering::Relaxed) {
            status = unsafe { ((*w.http).write)(w.host, x, text(&format!("data: {{\"hour\":{hour}}}\n\n"))) };
            hour = (hour + 1) % 24;
            thread::sleep(Duration::from_millis(200));
        }
    });
}
extern "C" fn invoke(ctx: *mut c_void, op: u64, call: *const ToolCall) -> i32 {
    let w = weather(ctx);
    let result = format!("{{\"celsius\":{}}}", degrees(unsafe { (*call).args_json }));
    unsafe { ((*w.ops).done)(w.host, op, 0, text(&result)) };
    1
}
extern "C" fn on_scrape(ctx: *mut c_void) {
    let w = weather(ctx);
    unsafe { ((*w.metrics).gauge_set)(w.celsius, 7.0) };
}

fn service<T>(host: *const Host, id: &CStr) -> *const T {
    unsafe { ((*host).service)(host, id.as_ptr()) }.cast()
}
fn family(host: *const Host, m: &Metrics, kind: i32, name: &'static CStr, err: *mut Err) -> Result<*mut c_void, i32> {
    let spec = FamilySpec {
        size: size_of::<FamilySpec>() as u32, kind, name: name.as_ptr(), help: c"The example's.".as_ptr(),
        labels: null(), label_count: 0, bounds: null(), bound_count: 0,
    };
    let (mut family, mut handle) = (null_mut(), null_mut());
    let status = (m.family)(host, &spec, &mut family, err);
    if status < 0 {
        return Err(status);
    }
    let child = if kind == 1 { m.counter } else { m.gauge };
    child(host, family, null(), 0, &mut handle);
    Ok(handle)
}

fn build(host: *const Host, inst: *mut *mut c_void, err: *mut Err) -> Result<(), i32> {
    let metrics: *const Metrics = service(host, c"nexo.metrics/1");
    let http: *const Http = service(host, c"nexo.http/1");
    let tools: *const Tools = service(host, c"nexo.tool/1");
    let ops: *const Ops = service(host, c"nexo.op/1");
    if metrics.is_null() || http.is_null() || tools.is_null() || ops.is_null() {
        return Err(-4);
    }
    let (m, http_table, tool_table) = unsafe { (&*metrics, &*http, &*tools) };
    let requests = family(host, m, 1, c"weather_rust_requests_total", err)?;
    let celsius = family(host, m, 2, c"weather_rust_celsius", err)?;
    let w = Weather {
        host, metrics, http, ops, requests, celsius, stopping: AtomicBool::new(false), threads: Mutex::new(Vec::new()),
    };
    let ctx: *mut c_void = Arc::into_raw(Arc::new(w)).cast_mut().cast();
    unsafe { *inst = ctx };
    (m.on_scrape)(host, on_scrape, ctx);
    let routes: [(&CStr, u32, extern "C" fn(*mut c_void, u64, *const Request)); 3] = [
        (c"/weather-rust/now/{city}", 0, on_now), (c"/weather-rust/later", 0, on_later),
        (c"/weather-rust/events", 1, on_events),
    ];
    for (pattern, flags, on_request) in routes {
        let route = Route {
            size: size_of::<Route>() as u32, flags, method: c"GET".as_ptr(), pattern: pattern.as_ptr(), access: 1,
            timeout_ms: 0, max_body: 0, max_inflight: 0, reserved: 0, ctx, on_request, on_body: None, on_writable: None,
            on_end: None,
        };
        let status = (http_table.route)(host, &route, err);
        if status < 0 {
            return Err(status);
        }
    }
    let tool = ToolSpec {
        size: size_of::<ToolSpec>() as u32, flags: 1, name: c"get_weather_rust".as_ptr(),
        description: c"The weather, in degrees Celsius.".as_ptr(), input_schema: c"{\"type\":\"object\"}".as_ptr(),
        timeout_ms: 0, max_inflight: 0, ctx, invoke, cancel: None,
    };
    let status = (tool_table.add)(host, &tool, err);
    if status < 0 { Err(status) } else { Ok(()) }
}

extern "C" fn create(host: *const Host, _: Str, inst: *mut *mut c_void, err: *mut Err) -> i32 {
    build(host, inst, err).err().unwrap_or(0)
}
extern "C" fn start(_: *mut c_void, _: *mut Err) -> i32 {
    0
}
extern "C" fn quiesce(inst: *mut c_void, _: u64) {
    weather(inst).stopping.store(true, Ordering::Relaxed);
}
extern "C" fn destroy(inst: *mut c_void) {
    let w: Arc<Weather> = unsafe { Arc::from_raw(inst.cast_const().cast()) };
    w.stopping.store(true, Ordering::Relaxed);
    let threads = w.threads.lock().map(|mut t| std::mem::take(&mut *t)).unwrap_or_default();
    for thread in threads {
        let _ = thread.join();
    }
}

struct Table(Plugin);
unsafe impl Sync for Table {}
static TABLE: Table = Table(Plugin {
    size: size_of::<Plugin>() as u32, abi_minor: 0, flags: 0, id: c"weather-rust".as_ptr(), version: c"0.1.0".as_ptr(),
    create, start, reconfigure: None, quiesce: Some(quiesce), destroy, query: None,
});

/// # Safety
/// The one exported function; nexo_plugin.h says when it is called.
#[no_mangle]
pub extern "C" fn nexo_plugin_entry_1(_: *const Host) -> *const Plugin {
    &TABLE.0
}
