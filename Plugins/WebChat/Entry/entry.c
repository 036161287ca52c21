/* The entry point of libWebChat.so; the plugin is Plugins/WebChat/Plugin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <nexo_swift_entry.h>

NEXO_SWIFT_PLUGIN("web-chat", "0.1.0", NEXO_HTTP_1 "," NEXO_CHANNEL_1 "," NEXO_METRICS_1, web_chat_plugin)
