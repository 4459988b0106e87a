/* config_test.c -- every form and limit of every setting, at the edge and one step past it */
/* SPDX-License-Identifier: MIT */
#include "shared/config.h"
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define MS        INT64_C(1000000)
#define SECOND    (1000 * MS)
#define BY_NUMBER (~UINT64_C(0) << 33) /* real-time signals, without the libc's own 32 and 33 */
#define ALL_SIGNALS                                                                                \
	(BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGABRT) |    \
	 BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGUSR1) | BIT(SIGSEGV) | BIT(SIGUSR2) | BIT(SIGPIPE) |   \
	 BIT(SIGALRM) | BIT(SIGTERM) | BIT(SIGSTKFLT) | BIT(SIGXCPU) | BIT(SIGXFSZ) |              \
	 BIT(SIGVTALRM) | BIT(SIGPROF) | BIT(SIGIO) | BIT(SIGPWR) | BIT(SIGSYS) | BY_NUMBER)
#define BIT(N) (UINT64_C(1) << ((N)-1))

static struct config config;

static const struct config_setting *find(const char *option)
{
	const struct config_setting *setting = config_settings;

	while (setting->env && (!setting->option || strcmp(setting->option, option)))
		setting++;
	CHECK(setting->env);
	return setting;
}

/* config_set on top of the defaults; on failure they must all still be there. */
static int set(const char *option, const char *value)
{
	struct config before;
	int result;

	config_init(&config);
	memcpy(&before, &config, sizeof(config));
	result = config_set(&config, find(option), value);
	if (result)
		CHECK(!memcmp(&before, &config, sizeof(config)));
	return result;
}

static int64_t idle(const char *value)
{
	int result = set("idle", value);

	return result ? result : config.idle_ns;
}

static int64_t max_age(const char *value)
{
	int result = set("max-age", value);

	return result ? result : config.max_age_ns;
}

static int64_t heartbeat(const char *value)
{
	int result = set("heartbeat", value);

	return result ? result : config.heartbeat_ns;
}

static int64_t size(const char *value)
{
	int result = set("buffer", value);

	return result ? result : (int64_t)config.buffer;
}

static void check_defaults(void)
{
	config_init(&config);
	CHECK(config.idle_ns == 5 * MS);
	CHECK(config.max_age_ns == 10 * MS);
	CHECK(config.heartbeat_ns == SECOND);
	CHECK(config.buffer == 64 << 10 && !config.buffer_is_given);
	CHECK(config.signals == ALL_SIGNALS);
	CHECK(config.runtimes == (CONFIG_RUNTIME_CXX | CONFIG_RUNTIME_PERL | CONFIG_RUNTIME_OCAML |
				  CONFIG_RUNTIME_PYTHON));
	CHECK(config.start == CONFIG_START_CONSTRUCTOR);
	CHECK(!config.files && !config.only && !config.stats && !config.stats_file);
	CHECK(!config.debug && !config.disable);
}

static void check_table(void)
{
	for (const struct config_setting *s = config_settings; s->env; s++) {
		CHECK(!strncmp(s->env, "IDLEFLUSH_", 10));
		CHECK(s->allowed && s->help);
		CHECK(s->option || !s->letter);
		CHECK(!s->optional || s->argument);
		CHECK(config_set(&config, s, "") == -EINVAL);
		if (s->fallback)
			CHECK(!config_set(&config, s, s->fallback));
		if (!s->argument || s->optional)
			CHECK(!config_set(&config, s, "1"));
		for (const struct config_setting *other = s + 1; other->env; other++) {
			CHECK(strcmp(s->env, other->env));
			CHECK(!s->letter || s->letter != other->letter);
			CHECK(!s->option || !other->option || strcmp(s->option, other->option));
		}
	}
}

static void check_time_forms(void)
{
	static const char *const bad[] = {
		".",   "s",    "ms",   ".s",   "-1",    "+1",   " 1",    "1 ",   "1 s",
		"1e3", "1e-3", "0x10", "1,5",  "1..5",  "1.5.", "1.5.5", "5msx", "5Ms",
		"5MS", "5S",   "5mss", "5sm",  "5s5ms", "5ns",  "5min",  "inf",  "nan",
		"abc", "5\n",  "\t5",  "1.-5", "1.s5",  "5w",   "m5",    "1d1",  "infinity"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(idle(bad[i]) == -EINVAL);
	CHECK(idle("1") == SECOND && idle("1s") == SECOND && idle("1.") == SECOND);
	CHECK(idle("0.5") == 500 * MS && idle(".5") == 500 * MS && idle(".5s") == 500 * MS);
	CHECK(idle("00005ms") == 5 * MS && idle("5.0ms") == 5 * MS && idle("250us") == MS / 4);
	CHECK(idle("2m") == 120 * SECOND && idle("0.5m") == 30 * SECOND);
	CHECK(idle("1h") == 3600 * SECOND && idle(".25h") == 900 * SECOND);
	CHECK(idle("0.01d") == 864 * SECOND && heartbeat("1d") == 86400 * SECOND);
	/* exact, where a double would not be, for any number of digits */
	CHECK(idle("0.123456789") == 123456789);
	CHECK(idle("0.1234567890000000000000000000000000000000000000") == 123456789);
	CHECK(heartbeat("0.999999999999999d") == 86400 * SECOND);
	CHECK(heartbeat("0.99999999999999d") == 86400 * SECOND);
	CHECK(heartbeat("0.9999999999999d") == 86400 * SECOND - 8);
	/* rounded up to a nanosecond */
	CHECK(idle("0.1234567890000000000000000000000000000000000001") == 123456790);
	CHECK(idle("100.0001us") == 100001 && idle("99.9999us") == 100000);
}

static void check_time_limits(void)
{
	CHECK(idle("100us") == MS / 10 && idle("0.0001") == MS / 10 && idle(".1ms") == MS / 10);
	CHECK(idle("99us") == -ERANGE && idle("99.999us") == -ERANGE);
	CHECK(idle("0") == -ERANGE && idle("0ms") == -ERANGE && idle("0.0") == -ERANGE);
	CHECK(idle("3600") == 3600 * SECOND && idle("60m") == 3600 * SECOND);
	CHECK(idle("3600000ms") == 3600 * SECOND && idle("3600000000us") == 3600 * SECOND);
	CHECK(idle("3600.0000000001") == -ERANGE && idle("3601") == -ERANGE);
	CHECK(idle("1.1h") == -ERANGE && idle("1d") == -ERANGE && idle("61m") == -ERANGE);
	CHECK(idle("9223372036854775807") == -ERANGE && idle("9223372036854775808") == -ERANGE);
	CHECK(idle("99999999999999999999999999999999999999d") == -ERANGE);
	CHECK(idle("92233720368547758us") == -ERANGE && idle("106752d") == -ERANGE);

	CHECK(max_age("0") == 0 && max_age("0.000s") == 0 && max_age(".0ms") == 0);
	CHECK(max_age("100us") == MS / 10 && max_age("99us") == -ERANGE);
	CHECK(max_age("0.0000000000001us") == -ERANGE);
	CHECK(max_age("1h") == 3600 * SECOND && max_age("3600.1") == -ERANGE);

	CHECK(heartbeat("0") == 0 && heartbeat("10ms") == 10 * MS);
	CHECK(heartbeat("9.99ms") == -ERANGE && heartbeat("24h") == 86400 * SECOND);
	CHECK(heartbeat("86400.1") == -ERANGE && heartbeat("1.0001d") == -ERANGE);
}

static void check_size(void)
{
	static const char *const bad[] = {"K",   "KiB", "-1",   "+1",   " 1", "1 ",  "1 K", "0.5K",
					  "1.5", "1e3", "0x10", "1B",   "1b", "1Ki", "1kb", "1m",
					  "1g",  "1T",  "1KK",  "1KBB", "L",  "abc", "1k1", "1KIB"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(size(bad[i]) == -EINVAL);
	CHECK(size("libc") == 0 && config.buffer_is_given && size("LIBC") == -EINVAL);
	CHECK(size("1") == 1 && config.buffer_is_given && size("4096") == 4096 && size("007") == 7);
	CHECK(size("64K") == 65536 && size("64k") == 65536 && size("64KiB") == 65536);
	CHECK(size("64KB") == 64000 && size("2MB") == 2000000 && size("1GB") == 1000000000);
	CHECK(size("2M") == 2097152 && size("2MiB") == 2097152);
	CHECK(size("1G") == 1073741824 && size("1GiB") == 1073741824);
	CHECK(size("1073741824") == 1073741824 && size("1048576K") == 1073741824);
	CHECK(size("1024MiB") == 1073741824 && size("1073MB") == 1073000000);
	CHECK(size("0") == -ERANGE && size("0K") == -ERANGE);
	CHECK(size("1073741825") == -ERANGE && size("1025M") == -ERANGE && size("2G") == -ERANGE);
	CHECK(size("1074MB") == -ERANGE && size("2GB") == -ERANGE);
	CHECK(size("18446744073709551617") == -ERANGE && size("18014398509481985K") == -ERANGE);
	CHECK(size("99999999999999999999999999999999999999999G") == -ERANGE);
}

static uint64_t signals(const char *value)
{
	return set("signals", value) ? UINT64_MAX : config.signals;
}

static void check_signals(void)
{
	static const char *const bad[] = {",",          "TERM,",
					  ",TERM",      "TERM,,INT",
					  "TERM INT",   " TERM",
					  "TERM ",      "KILL",
					  "9",          "0",
					  "STOP",       "CHLD",
					  "CONT",       "WINCH",
					  "URG",        "17",
					  "32",         "33",
					  "SIG",        "TER",
					  "SIGSIGTERM", "TERMX",
					  "none,TERM",  "none,",
					  "TERM,none",  "all,TERM",
					  "ALL,",       "SIGnone",
					  "SIGall",     "-15",
					  "+15",        "15x",
					  "0x0f",       "65",
					  "TERM;INT",   "SIG15",
					  "RTMIN",      "18446744073709551631"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(set("signals", bad[i]) == -EINVAL);
	CHECK(signals("none") == 0 && signals("NONE") == 0 && signals("None") == 0);
	CHECK(signals("TERM") == BIT(SIGTERM) && signals("term") == BIT(SIGTERM));
	CHECK(signals("SIGTERM") == BIT(SIGTERM) && signals("sigTerm") == BIT(SIGTERM));
	CHECK(signals("15") == BIT(SIGTERM) && signals("015") == BIT(SIGTERM));
	CHECK(signals("INT,SIGHUP,3") == (BIT(SIGINT) | BIT(SIGHUP) | BIT(SIGQUIT)));
	CHECK(signals("TERM,15,sigterm") == BIT(SIGTERM));
	CHECK(signals("all") == ALL_SIGNALS && signals("All") == ALL_SIGNALS);
	CHECK(signals("USR1,pipe,SIGALRM") == (BIT(SIGUSR1) | BIT(SIGPIPE) | BIT(SIGALRM)));
	CHECK(signals("34,64") == (BIT(34) | BIT(64)) && signals("IO") == signals("POLL"));
}

static void check_words(void)
{
	static const char *const on[] = {"1", "true", "yes", "on", "True", "YES"};
	static const char *const off[] = {"0", "false", "no", "off", "False", "OFF"};

	CHECK(!set("start", "server") && config.start == CONFIG_START_SERVER);
	CHECK(!set("start", "constructor") && config.start == CONFIG_START_CONSTRUCTOR);
	CHECK(!set("start", "threads") && config.start == CONFIG_START_THREADS);
	CHECK(set("start", "Server") == -EINVAL && set("start", "servers") == -EINVAL);

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		CHECK(!set("debug", on[i]) && config.debug);
		CHECK(!set("stats", on[i]) && config.stats && !config.stats_file);
	}
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		CHECK(!set("debug", off[i]) && !config.debug);
		CHECK(!config_set(&config, find("stats"), "/tmp/s"));
		CHECK(!config_set(&config, find("stats"), off[i]));
		CHECK(!config.stats && !config.stats_file);
	}
	CHECK(set("debug", "2") == -EINVAL && set("debug", "y") == -EINVAL);
	CHECK(set("debug", "01") == -EINVAL && set("debug", "1 ") == -EINVAL);

	CHECK(!set("stats", "1") && config.stats && !config.stats_file);
	CHECK(!set("stats", "0") && !config.stats && !config.stats_file);
	CHECK(!set("stats", "/tmp/s") && config.stats && !strcmp(config.stats_file, "/tmp/s"));
	CHECK(!config_set(&config, find("stats"), "0") && !config.stats && !config.stats_file);
}

static void check_runtimes(void)
{
	static const char *const bad[] = {",", "c++,", "java", "perl python", "none,perl", "cxx"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(set("runtimes", bad[i]) == -EINVAL);
	CHECK(!set("runtimes", "none") && config.runtimes == 0);
	CHECK(!set("runtimes", "all") && config.runtimes == 15);
	CHECK(set("runtimes", "ruby") == -EINVAL);
	CHECK(!set("runtimes", "C++,Perl"));
	CHECK(config.runtimes == (CONFIG_RUNTIME_CXX | CONFIG_RUNTIME_PERL));
	CHECK(!set("runtimes", "ocaml,python"));
	CHECK(config.runtimes == (CONFIG_RUNTIME_OCAML | CONFIG_RUNTIME_PYTHON));
}

static void check_lists(void)
{
	static const char *const lists[] = {"files", "only"};

	for (size_t i = 0; i < 2; i++) {
		CHECK(set(lists[i], ",") == -EINVAL && set(lists[i], "a,") == -EINVAL);
		CHECK(set(lists[i], ",a") == -EINVAL && set(lists[i], "a,,b") == -EINVAL);
		CHECK(!set(lists[i], "a") && !set(lists[i], "a,b*,[cd]"));
	}
	CHECK(!set("files", "*.log") && !strcmp(config.files, "*.log") && !config.only);
	CHECK(!set("only", "nginx") && !strcmp(config.only, "nginx") && !config.files);
}

static void check_match(void)
{
	char list[10000];

	CHECK(!config_match(NULL, "nginx"));
	CHECK(config_match("nginx", "nginx") && config_match("nginx", "/usr/sbin/nginx"));
	CHECK(config_match("a,nginx", "nginx") && config_match("nginx,a", "nginx"));
	CHECK(!config_match("nginx", "nginx2") && !config_match("nginx", "/nginx/other"));
	CHECK(!config_match("ngin", "nginx") && !config_match("nginxx,ngin", "nginx"));
	CHECK(config_match("ng*", "/usr/sbin/nginx") && config_match("python3.?", "python3.9"));
	CHECK(config_match("*", "x") && config_match("*", "/a/b"));
	CHECK(config_match("/var/log/*.log", "/var/log/a.log"));
	CHECK(config_match("/var/log/*.log", "/var/log/deep/a.log"));
	CHECK(!config_match("/var/log/*.log", "/srv/log/a.log"));
	CHECK(!config_match("log/*.log", "/var/log/a.log"));
	CHECK(config_match("*.log", "/var/log/a.log") && !config_match("*.log", "/var/log/a.txt"));
	CHECK(!config_match("[", "x") && config_match("[xy]", "y"));

	/* an item too long to be a path matches nothing, and the next one still counts */
	memset(list, '*', sizeof(list));
	memcpy(list + sizeof(list) - 3, ",b", 3);
	CHECK(!config_match(list, "a") && config_match(list, "b"));
	memset(list, '*', sizeof(list));
	list[4095] = '\0';
	CHECK(config_match(list, "a"));
	list[4095] = '*';
	list[4096] = '\0';
	CHECK(!config_match(list, "a"));
}

static char complaints[1000];

static void complain(const struct config_complaint *complaint)
{
	strcat(complaints, complaint->env);
	if (complaint->value)
		strcat(strcat(complaints, "="), complaint->value);
	strcat(complaints, "\n");
	CHECK(complaint->says);
}

static void check_environment(void)
{
	for (const struct config_setting *s = config_settings; s->env; s++)
		unsetenv(s->env);
	config_read(&config, complain);
	CHECK(config.idle_ns == 5 * MS && config.signals == ALL_SIGNALS && !complaints[0]);

	setenv("IDLEFLUSH_IDLE", "7ms", 1);
	setenv("IDLEFLUSH_MAX_AGE", "", 1);
	setenv("IDLEFLUSH_HEARTBEAT", "abc", 1);
	setenv("IDLEFLUSH_BUFFER", "9G", 1);
	setenv("IDLEFLUSH_SIGNALS", "none", 1);
	setenv("IDLEFLUSH_START", "server", 1);
	setenv("IDLEFLUSH_FILES", "*.log", 1);
	setenv("IDLEFLUSH_ONLY", "a,b", 1);
	setenv("IDLEFLUSH_STATS", "/s", 1);
	setenv("IDLEFLUSH_DEBUG", "1", 1);
	setenv("IDLEFLUSH_DISABLE", "1", 1);
	config_read(&config, complain);
	CHECK(!strcmp(complaints, "IDLEFLUSH_HEARTBEAT=abc\nIDLEFLUSH_BUFFER=9G\n"));
	CHECK(config.idle_ns == 7 * MS && config.max_age_ns == 10 * MS);
	CHECK(config.heartbeat_ns == SECOND && config.buffer == 64 << 10 && config.signals == 0);
	CHECK(config.start == CONFIG_START_SERVER && config.debug && config.disable);
	CHECK(!strcmp(config.files, "*.log") && !strcmp(config.only, "a,b"));
	CHECK(config.stats && !strcmp(config.stats_file, "/s"));
	config_read(&config, NULL);
	CHECK(config.heartbeat_ns == SECOND);

	/* what has no effect, and names that no setting has */
	complaints[0] = '\0';
	setenv("IDLEFLUSH_HEARTBEAT", "1s", 1);
	setenv("IDLEFLUSH_BUFFER", "1M", 1);
	setenv("IDLEFLUSH_IDLE", "1s", 1);
	setenv("IDLEFLUSH_MAXAGE", "2s", 1);
	setenv("IDLEFLUSH_STATSX", "", 1);
	config_read(&config, complain);
	CHECK(strstr(complaints, "IDLEFLUSH_IDLE=1s\n"));
	CHECK(strstr(complaints, "IDLEFLUSH_MAXAGE=2s\n"));
	CHECK(strstr(complaints, "IDLEFLUSH_STATSX=\n"));
	CHECK(strlen(complaints) == strlen("IDLEFLUSH_IDLE=1s\nIDLEFLUSH_MAXAGE=2s\n"
					   "IDLEFLUSH_STATSX=\n"));
	complaints[0] = '\0';
	setenv("IDLEFLUSH_MAX_AGE", "0", 1);
	unsetenv("IDLEFLUSH_MAXAGE");
	unsetenv("IDLEFLUSH_STATSX");
	config_read(&config, complain);
	CHECK(!complaints[0]);
}

int main(void)
{
	check_defaults();
	check_table();
	check_time_forms();
	check_time_limits();
	check_size();
	check_signals();
	check_words();
	check_runtimes();
	check_lists();
	check_match();
	check_environment();
	return CHECK_DONE("config");
}
