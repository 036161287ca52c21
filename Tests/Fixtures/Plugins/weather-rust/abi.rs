// The part of nexo_plugin.h that this plugin uses, spelled in Rust: same order, same types, `#[repr(C)]`.
// Optional callbacks are `Option<extern "C" fn ...>`; a struct of the host's is only ever used behind a pointer.
//
// SPDX-License-Identifier: Apache-2.0
#![allow(dead_code)]

use std::ffi::{c_char, c_void};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    pub ptr: *const c_char,
    pub len: usize,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Kv {
    pub key: Str,
    pub value: Str,
}
#[repr(C)]
pub struct Err {
    pub code: i32,
    pub len: u32,
    pub text: [u8; 248],
}
#[repr(C)]
pub struct Host {
    pub size: u32,
    pub abi_minor: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub service: extern "C" fn(*const Host, *const c_char) -> *const c_void,
}
#[repr(C)]
pub struct Plugin {
    pub size: u32,
    pub abi_minor: u32,
    pub flags: u64,
    pub id: *const c_char,
    pub version: *const c_char,
    pub create: extern "C" fn(*const Host, Str, *mut *mut c_void, *mut Err) -> i32,
    pub start: extern "C" fn(*mut c_void, *mut Err) -> i32,
    pub reconfigure: Option<extern "C" fn(*mut c_void, Str, *mut Err) -> i32>,
    pub quiesce: Option<extern "C" fn(*mut c_void, u64)>,
    pub destroy: extern "C" fn(*mut c_void),
    pub query: Option<extern "C" fn(*mut c_void, *const c_char) -> *const c_void>,
}
#[repr(C)]
pub struct FamilySpec {
    pub size: u32,
    pub kind: i32,
    pub name: *const c_char,
    pub help: *const c_char,
    pub labels: *const *const c_char,
    pub label_count: usize,
    pub bounds: *const f64,
    pub bound_count: usize,
}
type Child = extern "C" fn(*const Host, *mut c_void, *const Str, usize, *mut *mut c_void) -> i32;
#[repr(C)]
pub struct Metrics {
    pub size: u32,
    pub family: extern "C" fn(*const Host, *const FamilySpec, *mut *mut c_void, *mut Err) -> i32,
    pub counter: Child,
    pub gauge: Child,
    pub histogram: Child,
    pub remove: extern "C" fn(*const Host, *mut c_void, *const Str, usize) -> i32,
    pub counter_add: extern "C" fn(*mut c_void, u64),
    pub gauge_set: extern "C" fn(*mut c_void, f64),
    pub gauge_add: extern "C" fn(*mut c_void, f64),
    pub histogram_observe: extern "C" fn(*mut c_void, f64),
    pub on_scrape: extern "C" fn(*const Host, extern "C" fn(*mut c_void), *mut c_void) -> i32,
}
#[repr(C)]
pub struct Request {
    pub size: u32,
    pub flags: u32,
    pub method: Str,
    pub path: Str,
    pub query: Str,
    pub peer: Str,
    pub headers: *const Kv,
    pub header_count: usize,
    pub params: *const Kv,
    pub param_count: usize,
    pub body: Str,
    pub content_length: u64,
    pub deadline_ns: u64,
}
#[repr(C)]
pub struct Route {
    pub size: u32,
    pub flags: u32,
    pub method: *const c_char,
    pub pattern: *const c_char,
    pub access: u32,
    pub timeout_ms: u32,
    pub max_body: u64,
    pub max_inflight: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub on_request: extern "C" fn(*mut c_void, u64, *const Request),
    pub on_body: Option<extern "C" fn(*mut c_void, u64, Str, i32) -> i32>,
    pub on_writable: Option<extern "C" fn(*mut c_void, u64)>,
    pub on_end: Option<extern "C" fn(*mut c_void, u64, i32)>,
}
#[repr(C)]
pub struct Http {
    pub size: u32,
    pub route: extern "C" fn(*const Host, *const Route, *mut Err) -> i32,
    pub respond: extern "C" fn(*const Host, u64, u32, *const Kv, usize, Str) -> i32,
    pub begin: extern "C" fn(*const Host, u64, u32, *const Kv, usize) -> i32,
    pub write: extern "C" fn(*const Host, u64, Str) -> i32,
    pub end: extern "C" fn(*const Host, u64) -> i32,
    pub body_resume: extern "C" fn(*const Host, u64) -> i32,
}
#[repr(C)]
pub struct ToolCall {
    pub size: u32,
    pub flags: u32,
    pub name: Str,
    pub args_json: Str,
    pub agent: Str,
    pub session: Str,
    pub channel: Str,
    pub account: Str,
    pub sender: Str,
    pub deadline_ns: u64,
}
#[repr(C)]
pub struct ToolSpec {
    pub size: u32,
    pub flags: u32,
    pub name: *const c_char,
    pub description: *const c_char,
    pub input_schema: *const c_char,
    pub timeout_ms: u32,
    pub max_inflight: u32,
    pub ctx: *mut c_void,
    pub invoke: extern "C" fn(*mut c_void, u64, *const ToolCall) -> i32,
    pub cancel: Option<extern "C" fn(*mut c_void, u64)>,
}
#[repr(C)]
pub struct Tools {
    pub size: u32,
    pub add: extern "C" fn(*const Host, *const ToolSpec, *mut Err) -> i32,
}
#[repr(C)]
pub struct Ops {
    pub size: u32,
    pub done: extern "C" fn(*const Host, u64, i32, Str) -> i32,
    pub progress: extern "C" fn(*const Host, u64, Str) -> i32,
}

/// The ELF note: owner "NEXO", type 0x4e580001, NUL-terminated `key=value` strings, padded to 4 bytes.
#[repr(C)]
pub struct Note<const N: usize> {
    pub name_size: u32,
    pub text_size: u32,
    pub kind: u32,
    pub name: [u8; 8],
    pub text: [u8; N],
}
impl<const N: usize> Note<N> {
    /// `text` as it is, with its NULs; N is its length rounded up to 4.
    pub const fn new(text: &[u8]) -> Self {
        assert!(N % 4 == 0 && N >= text.len() && N < text.len() + 4);
        let mut padded = [0; N];
        let mut i = 0;
        while i < text.len() {
            padded[i] = text[i];
            i += 1;
        }
        Note { name_size: 5, text_size: text.len() as u32, kind: 0x4e58_0001, name: *b"NEXO\0\0\0\0", text: padded }
    }
}
