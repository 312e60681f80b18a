/* A plugin in C that prints as programs do: whole lines, and one that it does not end. */
#include <stdio.h>
#include <unistd.h>

__attribute__((export_name("execute"))) int execute(const char *request, int length) {
  (void)request;
  printf("first, of %d bytes\n", length);
  printf("second\n");
  fprintf(stderr, "an error\n");
  printf("third\nbegun");
  return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) ? 0 : 4;
}
