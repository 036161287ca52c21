/* The entry point of libGoogleCreds.so; the plugin is Plugins/GoogleCreds/Plugin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <nexo_swift_entry.h>

NEXO_SWIFT_PLUGIN("google-creds", "0.1.0", NEXO_CREDENTIAL_1 "," NEXO_TOOL_1 "," NEXO_HTTP_1 "," NEXO_METRICS_1, google_creds_plugin)
