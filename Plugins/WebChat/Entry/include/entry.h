/* The entry point is nexo_plugin.h's; nothing to declare here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
