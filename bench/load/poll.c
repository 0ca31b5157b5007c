/*
 * Keeps the load generator awake: for about a millisecond it asks again and again whether an answer is there, instead of letting
 * itself be woken by each. To wake a program costs the one that wakes it, here the server that is measured, and a server that
 * answers later has to do it more often. Loaded before the C library's own epoll_wait.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <sys/epoll.h>

#define ATTEMPTS 2000

typedef int (*wait_function)(int, struct epoll_event *, int, int);

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout) {
  static wait_function wait;
  if (wait == NULL) wait = (wait_function) dlsym(RTLD_NEXT, "epoll_wait");
  for (int i = 0; i < ATTEMPTS; i++) {
    int ready = wait(fd, events, max, 0);
    if (ready != 0) return ready;
  }
  return wait(fd, events, max, timeout);
}
