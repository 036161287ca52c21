// Nothing yet: the module map reserves the place.
//
// SPDX-License-Identifier: Apache-2.0
