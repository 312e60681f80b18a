// What wasi-libc makes of a WASI preview1 host. `libc list` prints every case as `libc/case`; `libc libc/case` runs one, in the
// directory preopened at /, which is expected to be empty. Standard input is "line one\nline two\n".

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *running;

// A condition that has to hold; says where it does not, and with which error.
#define HOLDS(condition)                                                                                                   \
  do {                                                                                                                     \
    if (!(condition)) {                                                                                                    \
      fprintf(stderr, "%s, line %d: %s (errno %d: %s)\n", running, __LINE__, #condition, errno, strerror(errno));           \
      exit(1);                                                                                                             \
    }                                                                                                                      \
  } while (0)

// A call that has to fail with this error.
#define FAILS(call, error)                                                                                                 \
  do {                                                                                                                     \
    errno = 0;                                                                                                             \
    HOLDS((call) == -1 && errno == (error));                                                                               \
  } while (0)

static void put(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  HOLDS(file != NULL);
  HOLDS(fputs(text, file) >= 0);
  HOLDS(fclose(file) == 0);
}

static bool has(const char *path, const char *text) {
  char buffer[4096];
  FILE *file = fopen(path, "r");
  HOLDS(file != NULL);
  size_t length = fread(buffer, 1, sizeof buffer, file);
  HOLDS(fclose(file) == 0);
  return length == strlen(text) && memcmp(buffer, text, length) == 0;
}

static void files_have_modes(void) {
  HOLDS(fopen("f", "r") == NULL && errno == ENOENT);
  HOLDS(fopen("f", "r+") == NULL && errno == ENOENT);
  put("f", "abc");
  FILE *file = fopen("f", "a+");
  HOLDS(file != NULL && fputs("de", file) >= 0 && fclose(file) == 0);
  HOLDS(has("f", "abcde"));
  file = fopen("f", "r+");
  HOLDS(file != NULL && fputs("X", file) >= 0 && fclose(file) == 0);
  HOLDS(has("f", "Xbcde"));
  file = fopen("f", "w+");
  HOLDS(file != NULL && fgetc(file) == EOF && fclose(file) == 0);
  HOLDS(has("f", ""));
  HOLDS(fopen("f", "wx") == NULL && errno == EEXIST);
}

static void absolute_and_relative_paths_agree(void) {
  put("/f", "abc");
  HOLDS(has("f", "abc") && has("./f", "abc") && has("/./f", "abc"));
  HOLDS(mkdir("d", 0777) == 0 && has("/d/../f", "abc"));
  char buffer[64];
  HOLDS(getcwd(buffer, sizeof buffer) != NULL && strcmp(buffer, "/") == 0);
}

static void buffered_and_plain_offsets_agree(void) {
  put("f", "01234567");
  FILE *file = fopen("f", "r");
  char buffer[4];
  HOLDS(file != NULL && fread(buffer, 1, 4, file) == 4);
  HOLDS(fflush(file) == 0 && lseek(fileno(file), 0, SEEK_CUR) == 4);
  HOLDS(fread(buffer, 1, 1, file) == 1 && buffer[0] == '4');
  HOLDS(fflush(file) == 0 && lseek(fileno(file), 0, SEEK_CUR) == 5);
  HOLDS(lseek(fileno(file), 0, SEEK_SET) == 0 && lseek(fileno(file), 0, SEEK_END) == 8);
  HOLDS(fseek(file, -2, SEEK_END) == 0 && ftell(file) == 6 && fgetc(file) == '6');
  HOLDS(fclose(file) == 0);
}

static void seeking_is_checked(void) {
  put("f", "abc");
  int fd = open("f", O_RDWR);
  HOLDS(fd > 2);
  FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
  FAILS(lseek(fd, 0, 99), EINVAL);
  HOLDS(lseek(fd, 100, SEEK_SET) == 100 && write(fd, "x", 1) == 1);
  struct stat state;
  HOLDS(fstat(fd, &state) == 0 && state.st_size == 101);
  HOLDS(close(fd) == 0);
  FAILS(close(fd), EBADF);
}

static void positioned_calls_do_not_move(void) {
  int fd = open("f", O_RDWR | O_CREAT, 0666);
  HOLDS(fd > 2 && write(fd, "0123", 4) == 4);
  char buffer[8] = {0};
  HOLDS(pread(fd, buffer, 2, 1) == 2 && memcmp(buffer, "12", 2) == 0);
  HOLDS(pwrite(fd, "XY", 2, 2) == 2);
  HOLDS(lseek(fd, 0, SEEK_CUR) == 4);
  HOLDS(pread(fd, buffer, 8, 0) == 4 && memcmp(buffer, "01XY", 4) == 0);
  HOLDS(pread(fd, buffer, 8, 4) == 0);
  FAILS(pread(fd, buffer, 8, -1), EINVAL);
}

static void appending_goes_to_the_end(void) {
  int fd = open("f", O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0666);
  HOLDS(fd > 2 && write(fd, "ab", 2) == 2);
  HOLDS(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "cd", 2) == 2 && lseek(fd, 0, SEEK_CUR) == 4);
  HOLDS(pwrite(fd, "xyz", 3, 0) == 3 && lseek(fd, 0, SEEK_CUR) == 4);
  off_t end = lseek(fd, 0, SEEK_END);
  HOLDS(end == 4 || end == 7); // POSIX writes at the offset, Linux at the end
  HOLDS((fcntl(fd, F_GETFL) & O_APPEND) != 0);
  HOLDS(fcntl(fd, F_SETFL, 0) == 0 && (fcntl(fd, F_GETFL) & O_APPEND) == 0);
  HOLDS(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "Q", 1) == 1 && lseek(fd, 0, SEEK_END) == end);
}

static void opening_is_checked(void) {
  FAILS(open("f", O_RDONLY), ENOENT);
  int fd = open("f", O_CREAT | O_EXCL | O_WRONLY, 0666);
  HOLDS(fd > 2 && close(fd) == 0);
  FAILS(open("f", O_CREAT | O_EXCL | O_WRONLY, 0666), EEXIST);
  FAILS(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
  FAILS(open("f/g", O_RDONLY), ENOTDIR);
  HOLDS(mkdir("d", 0777) == 0);
  FAILS(open("d", O_WRONLY), EISDIR);
  HOLDS((fd = open("d", O_RDONLY)) > 2);
  char buffer[4];
  HOLDS(read(fd, buffer, 4) == -1);
}

static void directories_are_read(void) {
  const char *names[] = {"a", "b", "c", "sub"};
  for (int at = 0; at < 3; at++) put(names[at], "x");
  HOLDS(mkdir("sub", 0777) == 0);
  DIR *dir = opendir(".");
  HOLDS(dir != NULL);
  int seen = 0, dots = 0;
  errno = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
      dots++;
      continue;
    }
    for (int at = 0; at < 4; at++)
      if (strcmp(entry->d_name, names[at]) == 0) seen |= 1 << at;
    HOLDS(entry->d_type == (strcmp(entry->d_name, "sub") == 0 ? DT_DIR : DT_REG));
    struct stat state;
    HOLDS(stat(entry->d_name, &state) == 0 && state.st_ino == entry->d_ino);
  }
  HOLDS(errno == 0 && seen == 15 && dots == 2);
  rewinddir(dir);
  int count = 0;
  while (readdir(dir) != NULL) count++;
  HOLDS(count == 6 && closedir(dir) == 0);
  HOLDS(opendir("missing") == NULL && errno == ENOENT);
  HOLDS(opendir("a") == NULL && errno == ENOTDIR);
}

static void a_place_in_a_directory_is_found_again(void) {
  char name[32];
  for (int at = 0; at < 200; at++) {
    snprintf(name, sizeof name, "file-%03d", at);
    put(name, "");
  }
  DIR *dir = fdopendir(open(".", O_RDONLY | O_DIRECTORY));
  HOLDS(dir != NULL);
  for (int at = 0; at < 100; at++) HOLDS(readdir(dir) != NULL);
  long place = telldir(dir);
  struct dirent *entry = readdir(dir);
  HOLDS(entry != NULL);
  snprintf(name, sizeof name, "%s", entry->d_name);
  int rest = 1;
  while (readdir(dir) != NULL) rest++;
  HOLDS(rest == 102);
  seekdir(dir, place);
  entry = readdir(dir);
  HOLDS(entry != NULL && strcmp(entry->d_name, name) == 0 && closedir(dir) == 0);
}

static int not_hidden(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static void a_listing_is_sorted(void) {
  put("b", "");
  put("c", "");
  put("a", "");
  struct dirent **list;
  int count = scandir("/", &list, not_hidden, alphasort);
  HOLDS(count == 3);
  for (int at = 0; at < count; at++) {
    HOLDS(list[at]->d_name[0] == 'a' + at);
    free(list[at]);
  }
  free(list);
}

static void files_are_told_apart(void) {
  put("a", "x");
  put("b", "yy");
  struct stat a, b;
  HOLDS(stat("a", &a) == 0 && stat("b", &b) == 0);
  HOLDS(a.st_dev == b.st_dev && a.st_ino != b.st_ino);
  HOLDS(S_ISREG(a.st_mode) && a.st_size == 1 && b.st_size == 2 && a.st_nlink == 1);
  HOLDS(stat(".", &a) == 0 && S_ISDIR(a.st_mode));
  FAILS(stat("missing", &a), ENOENT);
  FAILS(stat("a/b", &a), ENOTDIR);
}

static void links_work(void) {
  put("f", "abc");
  HOLDS(symlink("f", "l") == 0 && has("l", "abc"));
  struct stat state;
  HOLDS(lstat("l", &state) == 0 && S_ISLNK(state.st_mode) && stat("l", &state) == 0 && S_ISREG(state.st_mode));
  char buffer[8] = {0};
  HOLDS(readlink("l", buffer, sizeof buffer) == 1 && buffer[0] == 'f');
  FAILS(readlink("f", buffer, sizeof buffer), EINVAL);
  FAILS(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
  HOLDS(link("f", "g") == 0 && stat("g", &state) == 0 && state.st_nlink == 2);
  FAILS(link("f", "g"), EEXIST);
  FAILS(symlink("x", "f"), EEXIST);
  HOLDS(symlink("/etc/passwd", "p") == -1);
  HOLDS(unlink("f") == 0 && has("g", "abc"));
}

static void renaming_works(void) {
  put("a", "1");
  put("b", "2");
  HOLDS(rename("a", "b") == 0 && has("b", "1"));
  FAILS(rename("a", "c"), ENOENT);
  HOLDS(mkdir("d", 0777) == 0 && mkdir("d/e", 0777) == 0 && mkdir("x", 0777) == 0);
  FAILS(rename("x", "d"), ENOTEMPTY);
  FAILS(rename("b", "x"), EISDIR);
  FAILS(rename("x", "b"), ENOTDIR);
  FAILS(rename("d", "d/e/f"), EINVAL);
  HOLDS(rename("d", "x") == 0 && access("x/e", F_OK) == 0);
}

static void removing_works(void) {
  put("f", "");
  HOLDS(mkdir("d", 0777) == 0);
  put("d/f", "");
  FAILS(rmdir("d"), ENOTEMPTY);
  FAILS(rmdir("f"), ENOTDIR);
  FAILS(mkdir("d", 0777), EEXIST);
  FAILS(unlink("d"), EISDIR);
  HOLDS(remove("d/f") == 0 && remove("d") == 0 && unlink("f") == 0);
  FAILS(access("d", F_OK), ENOENT);
}

static void times_are_set(void) {
  put("f", "");
  struct timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 1}, {.tv_sec = 2000, .tv_nsec = 999999999}};
  HOLDS(utimensat(AT_FDCWD, "f", times, 0) == 0);
  struct stat state;
  HOLDS(stat("f", &state) == 0);
  HOLDS(state.st_atim.tv_sec == 1000 && state.st_atim.tv_nsec == 1);
  HOLDS(state.st_mtim.tv_sec == 2000 && state.st_mtim.tv_nsec == 999999999);
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_nsec = UTIME_NOW;
  int fd = open("f", O_RDWR);
  HOLDS(futimens(fd, times) == 0 && fstat(fd, &state) == 0);
  HOLDS(state.st_atim.tv_sec == 1000 && state.st_mtim.tv_sec != 2000);
}

static void sizes_are_set(void) {
  put("f", "abcdef");
  int fd = open("f", O_RDWR);
  HOLDS(fd > 2 && ftruncate(fd, 3) == 0 && has("f", "abc"));
  HOLDS(ftruncate(fd, 5) == 0);
  struct stat state;
  HOLDS(fstat(fd, &state) == 0 && state.st_size == 5);
  HOLDS(posix_fallocate(fd, 0, 100) == 0 && fstat(fd, &state) == 0 && state.st_size == 100);
  HOLDS(posix_fadvise(fd, 0, 10, POSIX_FADV_SEQUENTIAL) == 0);
  HOLDS(fsync(fd) == 0 && fdatasync(fd) == 0);
  FAILS(ftruncate(fd, -1), EINVAL);
}

static void clocks_run(void) {
  struct timespec resolution, before, after;
  HOLDS(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && (resolution.tv_sec > 0 || resolution.tv_nsec > 0));
  HOLDS(clock_getres(CLOCK_REALTIME, &resolution) == 0 && (resolution.tv_sec > 0 || resolution.tv_nsec > 0));
  HOLDS(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
  struct timespec nap = {.tv_sec = 0, .tv_nsec = 15000000};
  HOLDS(nanosleep(&nap, NULL) == 0);
  HOLDS(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
  long long passed = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
  HOLDS(passed >= 15000000);
  HOLDS(clock_gettime(CLOCK_REALTIME, &before) == 0 && time(NULL) >= before.tv_sec);
  HOLDS(usleep(1000) == 0 && sched_yield() == 0);
}

static void polling_works(void) {
  int fd = open("f", O_RDWR | O_CREAT, 0666);
  struct pollfd fds[] = {{.fd = fd, .events = POLLIN | POLLOUT}, {.fd = 1, .events = POLLOUT}};
  HOLDS(poll(fds, 2, 1000) == 2);
  HOLDS((fds[0].revents & (POLLIN | POLLOUT)) != 0 && fds[1].revents == POLLOUT);
  HOLDS(poll(NULL, 0, 10) == 0);
}

static void streams_are_streams(void) {
  char line[64];
  HOLDS(fgets(line, sizeof line, stdin) != NULL && strcmp(line, "line one\n") == 0);
  HOLDS(fgets(line, sizeof line, stdin) != NULL && strcmp(line, "line two\n") == 0);
  HOLDS(fgets(line, sizeof line, stdin) == NULL && feof(stdin));
  for (int fd = 0; fd < 3; fd++) {
    HOLDS(isatty(fd) == 0);
    HOLDS(lseek(fd, 0, SEEK_CUR) == -1);
  }
  HOLDS(puts("to standard output") >= 0 && fflush(stdout) == 0);
  HOLDS(close(1) == 0 && write(1, "x", 1) == -1 && errno == EBADF);
}

static void there_are_no_sockets(void) {
  FAILS(shutdown(1, SHUT_RD), ENOTSOCK);
  FAILS(shutdown(99, SHUT_RD), EBADF);
  char buffer[4];
  FAILS(recv(0, buffer, sizeof buffer, 0), ENOTSOCK);
  FAILS(send(1, buffer, sizeof buffer, 0), ENOTSOCK);
}

static void the_environment_is_what_was_given(void) {
  HOLDS(getenv("GREETING") != NULL && strcmp(getenv("GREETING"), "hello world") == 0);
  HOLDS(getenv("EMPTY") != NULL && getenv("EMPTY")[0] == '\0');
  HOLDS(getenv("HOME") == NULL && getenv("PATH") == NULL);
}

static void randomness_comes(void) {
  unsigned char first[256], second[256];
  HOLDS(getentropy(first, sizeof first) == 0 && getentropy(second, sizeof second) == 0);
  HOLDS(memcmp(first, second, sizeof first) != 0);
  HOLDS(getentropy(first, 0) == 0);
}

static void nothing_outside_is_reached(void) {
  const char *paths[] = {"/../etc/passwd", "../etc/passwd", "/../../..", "d/../../etc"};
  HOLDS(mkdir("d", 0777) == 0);
  for (int at = 0; at < 4; at++) HOLDS(open(paths[at], O_RDONLY) == -1);
  HOLDS(symlink("../..", "l") == -1 || open("l/etc", O_RDONLY) == -1);
}

static void a_large_file_goes_through_buffers(void) {
  enum { COUNT = 300000 };
  FILE *file = fopen("f", "w+");
  HOLDS(file != NULL);
  for (int at = 0; at < COUNT; at++) HOLDS(fprintf(file, "%d\n", at) > 0);
  rewind(file);
  for (int at = 0, number; at < COUNT; at++) HOLDS(fscanf(file, "%d", &number) == 1 && number == at);
  HOLDS(fgetc(file) == '\n' && fgetc(file) == EOF && fclose(file) == 0);
}

static void at_exit(void) { put("ended", "by exit"); }

static void ending_runs_what_was_registered(void) {
  HOLDS(atexit(at_exit) == 0);
  exit(0);
}

#define CASE(name) {#name, name}
static const struct {
  const char *name;
  void (*run)(void);
} cases[] = {
    CASE(files_have_modes),
    CASE(absolute_and_relative_paths_agree),
    CASE(buffered_and_plain_offsets_agree),
    CASE(seeking_is_checked),
    CASE(positioned_calls_do_not_move),
    CASE(appending_goes_to_the_end),
    CASE(opening_is_checked),
    CASE(directories_are_read),
    CASE(a_place_in_a_directory_is_found_again),
    CASE(a_listing_is_sorted),
    CASE(files_are_told_apart),
    CASE(links_work),
    CASE(renaming_works),
    CASE(removing_works),
    CASE(times_are_set),
    CASE(sizes_are_set),
    CASE(clocks_run),
    CASE(polling_works),
    CASE(streams_are_streams),
    CASE(there_are_no_sockets),
    CASE(the_environment_is_what_was_given),
    CASE(randomness_comes),
    CASE(nothing_outside_is_reached),
    CASE(a_large_file_goes_through_buffers),
    CASE(ending_runs_what_was_registered),
};

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  for (size_t at = 0; at < sizeof cases / sizeof cases[0]; at++) {
    char name[128];
    snprintf(name, sizeof name, "libc/%s", cases[at].name);
    if (strcmp(argv[1], "list") == 0) puts(name);
    if (strcmp(argv[1], name) == 0) {
      running = cases[at].name;
      cases[at].run();
      return 0;
    }
  }
  return strcmp(argv[1], "list") == 0 ? 0 : 2;
}
