// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd THREADS HOGS SECONDS: threads that work a little, sleep, and work again, beside some that never sleep. Prints how often the
 * threads woke up, least and most, and for how long a hog and a thread that wanted to run did not, at most, in ms.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define THREADS_MAX 8192
#define STACK_BYTES 16384
#define NS_PER_S 1000000000L
#define SLEEP_NS 200000000L
#define WORK_NS 500000L

struct thread {
	bool hog;
	long rounds;
	long longest_ns;
};

static struct thread threads[THREADS_MAX];
static volatile bool over;

static long now_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * NS_PER_S + time.tv_nsec;
}

static void work(void)
{
	long end = now_ns(CLOCK_THREAD_CPUTIME_ID) + WORK_NS;

	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void *run(void *own)
{
	struct timespec pause = { .tv_nsec = SLEEP_NS };
	struct thread *thread = own;

	while (!over) {
		long begin = now_ns(CLOCK_MONOTONIC), stood_ns;

		if (!thread->hog) {
			nanosleep(&pause, NULL);
			begin += SLEEP_NS;
		}
		work();
		stood_ns = now_ns(CLOCK_MONOTONIC) - begin - WORK_NS;
		if (stood_ns > thread->longest_ns)
			thread->longest_ns = stood_ns;
		thread->rounds++;
	}
	return NULL;
}

int main(int count, char **arguments)
{
	long many = count == 4 ? atol(arguments[1]) : 0, hogs = count == 4 ? atol(arguments[2]) : 0;
	struct timespec time = { .tv_sec = many ? atol(arguments[3]) : 0 };
	long least = -1, most = 0, longest_ns[2] = { 0, 0 }, i;
	static pthread_t handles[THREADS_MAX];
	pthread_attr_t small;

	if (many < 1 || many + hogs > THREADS_MAX)
		return 2;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	for (i = 0; i < many + hogs; i++) {
		threads[i].hog = i < hogs;
		if (pthread_create(&handles[i], &small, run, &threads[i]))
			return 1;
	}
	nanosleep(&time, NULL);
	over = true;
	for (i = 0; i < many + hogs; i++) {
		struct thread *thread = &threads[i];

		pthread_join(handles[i], NULL);
		if (thread->longest_ns > longest_ns[thread->hog])
			longest_ns[thread->hog] = thread->longest_ns;
		if (thread->hog)
			continue;
		if (least < 0 || thread->rounds < least)
			least = thread->rounds;
		if (thread->rounds > most)
			most = thread->rounds;
	}
	printf("%ld %ld %ld %ld\n", least, most, longest_ns[1] / 1000000, longest_ns[0] / 1000000);
	return 0;
}
