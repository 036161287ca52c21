// The pure machines of resilience, which plugins use as well, are a module of their own; whoever imports HostResilience
// has them too.
//
// SPDX-License-Identifier: Apache-2.0

@_exported public import Resilience
