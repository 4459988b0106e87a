/* ints.cc -- bulk output of a C++ program that takes cout off C stdio: COUNT lines */
/* SPDX-License-Identifier: MIT */
#include <cstdlib>
#include <iostream>

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0;

	if (count < 1)
		return 125;
	std::ios_base::sync_with_stdio(false);
	for (int i = 0; i < count; i++)
		std::cout << i << '\n';
	return 0;
}
