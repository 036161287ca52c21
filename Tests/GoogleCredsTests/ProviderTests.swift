// Everything that is tested against the provider, one test at a time: they share its counters and its tokens.
//
// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Against a provider", .serialized, .timeLimit(.minutes(5)))
enum ProviderTests {}
