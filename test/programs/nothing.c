/* SPDX-License-Identifier: Apache-2.0 */
/* nothing: ends at once. */
int main(void)
{
	return 0;
}
