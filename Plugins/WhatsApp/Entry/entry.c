/* The entry point of libWhatsApp.so; the plugin is Plugins/WhatsApp/Plugin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <nexo_swift_entry.h>

NEXO_SWIFT_PLUGIN("whatsapp", "0.1.0", NEXO_HTTP_1 "," NEXO_CHANNEL_1 "," NEXO_METRICS_1, whatsapp_plugin)
