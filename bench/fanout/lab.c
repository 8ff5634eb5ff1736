/* SPDX-License-Identifier: MIT
 *
 * lab: see fanout.h. Every run has a server process of its own, pinned to the first core; the bench
 * with its crowd stays on the second.
 *
 * The network is a namespace of the process where that is allowed, so that congestion control (BBR
 * paces, which doubles the p99 on loopback) and buffers are the same for all and known; otherwise
 * it is the machine's, and a line says what that is.
 */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fanout/fanout.h"
#include "lib/stats.h"

#define START_MS     10000
#define RUN_MS       60000
#define FDS_BESIDE   64 /* of a process, beside its clients */
#define SETTLE_US    300000
#define NODE_SCRIPT  "bench/fanout/node_ws.js"
#define SEND_BUFFERS "4096 16384 131072"

static size_t cores[2], cores_n; /* the server's, the crowd's */

/* --- the machine ------------------------------------------------------------------------------- */

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool raise_loopback(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &r) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void machine_print(void)
{
	char line[160], model[96] = "an unknown processor", version[16] = "?";
	FILE *f = fopen("/proc/cpuinfo", "r");
	struct utsname u;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "model name : %95[^\n]", model) == 1)
			break;
	}
	if (f)
		fclose(f);
	if (uname(&u) == 0)
		(void)sscanf(u.release, "%15[0-9.]", version);
	printf("%s, %ld cores, Linux %s\n", model, sysconf(_SC_NPROCESSORS_ONLN), version);
}

static void network_setup(void)
{
	bool own = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
	char name[16] = "";
	socklen_t len = sizeof(name);
	int fd;

	if (own)
		own = raise_loopback() &&
		      put("/proc/sys/net/ipv4/tcp_congestion_control", "reno") &&
		      put("/proc/sys/net/ipv4/tcp_wmem", SEND_BUFFERS);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len);
	close(fd);
	printf("network: %s, congestion control %s%s\n",
	       own ? "a namespace of its own" : "the machine's", name,
	       own ? ", send buffers " SEND_BUFFERS : "");
}

static void cores_setup(void)
{
	cpu_set_t all;

	sched_getaffinity(0, sizeof(all), &all);
	for (size_t i = 0; i < CPU_SETSIZE && cores_n < 2; i++) {
		if (CPU_ISSET(i, &all))
			cores[cores_n++] = i;
	}
	if (cores_n < 2)
		printf("one core only: server and clients share it, the figures are not to be "
		       "trusted\n");
}

static void pin(size_t core)
{
	cpu_set_t one;

	if (cores_n < 2)
		return;
	CPU_ZERO(&one);
	CPU_SET(core, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		perror("sched_setaffinity");
}

void lab_setup(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	signal(SIGPIPE, SIG_IGN);
	machine_print();
	cores_setup();
	network_setup();
	pin(cores[1]);
	setlinebuf(stdout);
}

unsigned lab_clients(unsigned want)
{
	static bool is_told;
	struct rlimit limit;
	unsigned most;

	getrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_cur > want + FDS_BESIDE ? want : (unsigned)limit.rlim_cur - FDS_BESIDE;
	if (most < want && !is_told)
		printf("RLIMIT_NOFILE allows %u clients instead of %u\n", most, want);
	is_told = is_told || most < want;
	return most;
}

const char *contender_name(enum contender who)
{
	static const char *const names[] = {"limit", "naive", "ws", "agnidata"};

	return names[who];
}

bool lab_has(enum contender who, const char **why)
{
	static int has_ws = -1;

	*why = "";
	if (who != NODE_WS)
		return true;
	if (has_ws < 0)
		has_ws = access(NODE_SCRIPT, R_OK) == 0 &&
			 system("node -e 'require(\"ws\")' >/dev/null 2>&1") == 0;
	*why = "no node, or no package ws in NODE_PATH or node_modules";
	return has_ws;
}

/* --- one process of a server ------------------------------------------------------------------- */

struct server {
	pid_t pid;
	int in_fd, out_fd; /* what it hears, what it says */
};

static void node_exec(const struct plan *plan)
{
	char args[6][24];

	snprintf(args[0], sizeof(args[0]), "%u", plan->message);
	snprintf(args[1], sizeof(args[1]), "%u", plan->ticks);
	snprintf(args[2], sizeof(args[2]), "%llu", (unsigned long long)plan->period_ns);
	snprintf(args[3], sizeof(args[3]), "%u", plan->warm);
	snprintf(args[4], sizeof(args[4]), "%u", plan->turns);
	snprintf(args[5], sizeof(args[5]), "%d", plan->is_paced);
	execlp("node", "node", NODE_SCRIPT, args[0], args[1], args[2], args[3], args[4], args[5],
	       (char *)NULL);
	_exit(127);
}

static void die(const struct plan *plan, const char *what)
{
	fflush(stdout);
	fprintf(stderr, "bench_fanout: %s, %u clients, %u ticks a turn: %s\n",
		contender_name(plan->who), plan->clients, plan->ticks, what);
	exit(1);
}

void lab_serve(void)
{
	static server_fn *const serve[CONTENDERS] = {
		[LIMIT] = limit_serve, [NAIVE] = naive_serve, [AGNIDATA] = agnidata_serve};
	static struct plan plan;

	if (read(STDIN_FILENO, &plan, sizeof(plan)) == sizeof(plan))
		serve[plan.who](&plan, STDIN_FILENO, STDOUT_FILENO);
}

/* A new program, not only a fork: its memory is to be its own from the first byte. */
static struct server spawn(const struct plan *plan)
{
	struct server s;
	int in[2], out[2];

	fflush(stdout);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || (s.pid = fork()) < 0)
		die(plan, "no process");
	if (s.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(in[1]);
		close(out[0]);
		pin(cores[0]);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		if (plan->who == NODE_WS)
			node_exec(plan);
		execl("/proc/self/exe", "bench_fanout", LAB_SERVE, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	s.in_fd = in[1];
	s.out_fd = out[0];
	if (plan->who != NODE_WS && write(s.in_fd, plan, sizeof(*plan)) != sizeof(*plan))
		die(plan, "is not there");
	return s;
}

static void end(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(s->in_fd);
	close(s->out_fd);
}

/* A line that the server says; "" when it does not. */
static void hear(const struct server *s, char line[128])
{
	struct pollfd pfd = {.fd = s->out_fd, .events = POLLIN};
	ssize_t n = poll(&pfd, 1, START_MS) > 0 ? read(s->out_fd, line, 127) : 0;

	line[n > 0 ? n : 0] = '\0';
}

static double proc_number(pid_t pid, const char *file, int field)
{
	char path[64], text[256] = "";
	double v = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	f = fopen(path, "r");
	if (f) {
		char *at = fgets(text, sizeof(text), f);

		for (int i = 0; at && i <= field; i++)
			v = strtod(at, &at);
		fclose(f);
	}
	return v;
}

static double resident_kib(pid_t pid)
{
	return proc_number(pid, "statm", 1) * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static double cpu_ms(pid_t pid)
{
	return proc_number(pid, "schedstat", 0) / 1e6;
}

/* --- one run ----------------------------------------------------------------------------------- */

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static bool join(const struct plan *plan, const struct server *s, struct crowd *c,
		 struct outcome *o)
{
	double kib = resident_kib(s->pid), cpu = cpu_ms(s->pid), begin = now_ms();
	enum joined joined = crowd_join(c);

	o->join_ms = now_ms() - begin;
	o->join_cpu_ms = cpu_ms(s->pid) - cpu;
	if (joined == JOIN_FAILED)
		die(plan, "the clients could not join");
	if (plan->turns == 0) {
		usleep(SETTLE_US);
		o->kib_per_client = (resident_kib(s->pid) - kib) / plan->clients;
	}
	return joined == JOINED;
}

/* What was sent is what has come, to each client. */
static void check(const struct plan *plan, struct crowd *c, uint64_t bytes)
{
	uint64_t all = (uint64_t)(plan->warm + plan->turns) * plan->ticks;
	bool is_whole = crowd_read_all(c, plan->stuck ? UINT64_MAX : bytes);
	struct crowd_count n;
	char text[128];

	crowd_count(c, &n);
	if (plan->who == AGNIDATA)
		all = all * plan->view / plan->instruments;
	if (!plan->stuck && (!is_whole || (!plan->tls_ca[0] && n.bytes != bytes))) {
		snprintf(text, sizeof(text), "%llu bytes came, %llu were sent",
			 (unsigned long long)n.bytes, (unsigned long long)bytes);
		die(plan, text);
	}
	if (n.ticks + n.conflated != all * n.sampled) {
		snprintf(text, sizeof(text), "%llu ticks came to %u clients instead of %llu",
			 (unsigned long long)(n.ticks + n.conflated), n.sampled,
			 (unsigned long long)all * n.sampled);
		die(plan, text);
	}
	if (n.conflated == 0 && plan->view == plan->instruments && !plan->tls_ca[0] &&
	    n.least != n.most)
		die(plan, "some clients got less than others");
}

static void measure(const struct plan *plan, const struct server *s, struct crowd *c,
		    struct outcome *o)
{
	unsigned long long ticks, conflated, bytes;
	struct crowd_count n;
	double cpu, wall, crowd_ns, begin_ms = now_ms();
	char line[128];

	crowd_begin(c);
	crowd_ns = stats_cpu_ns();
	if (write(s->in_fd, "go\n", 3) != 3 || !crowd_read_until(c, s->out_fd, RUN_MS))
		die(plan, "does not come to an end");
	crowd_ns = stats_cpu_ns() - crowd_ns;
	hear(s, line);
	if (sscanf(line, "done %lf %lf %llu %llu %llu", &cpu, &wall, &ticks, &conflated, &bytes) !=
	    5)
		die(plan, "has ended");
	o->crowd_percent = crowd_ns / (now_ms() - begin_ms) / 1e4;
	check(plan, c, bytes);
	o->bytes_per_tick = (double)bytes / (plan->warm + plan->turns) / plan->ticks /
			    (plan->clients - plan->stuck);
	o->us_per_tick = ticks ? cpu / (double)ticks : 0;
	o->core_percent = 100 * cpu / wall;
	o->ticks_per_s = (double)ticks / wall * 1e6;
	o->conflated = ticks + conflated ? (double)conflated / (double)(ticks + conflated) : 0;
	crowd_count(c, &n);
	o->p50 = stats_quantile(n.latency_us, n.latency_n, 0.5);
	o->p99 = stats_quantile(n.latency_us, n.latency_n, 0.99);
	o->p999 = stats_quantile(n.latency_us, n.latency_n, 0.999);
}

struct outcome lab_run(const struct plan *plan)
{
	struct outcome o = {0};
	struct server s = spawn(plan);
	struct crowd *c;
	char line[128];
	int port;

	hear(&s, line);
	if (sscanf(line, "port %d", &port) != 1)
		die(plan, "does not start");
	c = crowd_create(plan, port);
	o.is_served = join(plan, &s, c, &o);
	if (o.is_served && plan->turns)
		measure(plan, &s, c, &o);
	end(&s);
	crowd_destroy(c);
	return o;
}
