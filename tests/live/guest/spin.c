// SPDX-License-Identifier: GPL-2.0-only
/*
 * spin THREADS SECONDS: threads that share a lock, and yield for as long as another holds it. Prints how often it was taken, and by
 * whom least and most.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define THREADS_MAX 64
/* What is done with the lock, and without. */
#define HELD 2000
#define FREE 2000

static atomic_int held;
static atomic_bool over;
static long taken[THREADS_MAX];

static void work(int steps)
{
	for (volatile int i = 0; i < steps; i++)
		;
}

static void *thread(void *number)
{
	while (!over) {
		while (atomic_exchange(&held, 1))
			sched_yield();
		work(HELD);
		atomic_store(&held, 0);
		taken[(long)number]++;
		work(FREE);
	}
	return NULL;
}

int main(int count, char **arguments)
{
	long threads = count == 3 ? atol(arguments[1]) : 0, least = -1, most = 0, all = 0, i;
	pthread_t handles[THREADS_MAX];
	struct timespec time = { .tv_sec = threads ? atol(arguments[2]) : 0 };

	if (threads < 1 || threads > THREADS_MAX)
		return 2;
	for (i = 0; i < threads; i++)
		if (pthread_create(&handles[i], NULL, thread, (void *)i))
			return 1;
	nanosleep(&time, NULL);
	over = true;
	for (i = 0; i < threads; i++) {
		pthread_join(handles[i], NULL);
		all += taken[i];
		if (least < 0 || taken[i] < least)
			least = taken[i];
		if (taken[i] > most)
			most = taken[i];
	}
	printf("%ld %ld %ld\n", all, least, most);
	return 0;
}
