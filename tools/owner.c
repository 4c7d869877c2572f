// SPDX-License-Identifier: GPL-2.0
/*
 * Which process holds a socket: /proc/PID/fd is walked once, and each link
 * "socket:[INODE]" looked up among the rows sorted by inode.  Processes whose
 * descriptors we may not read are passed over; their sockets have no owner.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sockets.h"
#include "util.h"

struct index {
	struct sock_row **by_inode;
	size_t n;
};

static int cmp_inode(const void *a, const void *b)
{
	unsigned long x = (*(struct sock_row *const *)a)->inode;
	unsigned long y = (*(struct sock_row *const *)b)->inode;

	return (x > y) - (x < y);
}

static struct sock_row *find(const struct index *ix, unsigned long inode)
{
	struct sock_row key = { .inode = inode }, *pkey = &key, **hit;

	hit = bsearch(&pkey, ix->by_inode, ix->n, sizeof(*ix->by_inode), cmp_inode);
	return hit ? *hit : NULL;
}

static void read_comm(int dir, char *out, size_t size)
{
	int fd = openat(dir, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

/* dir is /proc/PID, fds its fd directory, which is closed here. */
static void walk_fds(const struct index *ix, pid_t pid, int dir, DIR *fds)
{
	struct dirent *de;
	char link[64];

	while ((de = readdir(fds))) {
		ssize_t n = readlinkat(dirfd(fds), de->d_name, link, sizeof(link) - 1);
		struct sock_row *row;
		unsigned long inode;

		if (n < 0)
			continue;
		link[n] = '\0';
		if (sscanf(link, "socket:[%lu]", &inode) != 1)
			continue;
		row = find(ix, inode);
		if (!row)
			continue;
		if (!row->pid) {
			row->pid = pid;
			row->fd = atoi(de->d_name);
			row->owners = 1;
			read_comm(dir, row->comm, sizeof(row->comm));
		} else if (row->pid != pid) {
			row->owners++;
		}
	}
	closedir(fds);
}

static void walk_process(const struct index *ix, int proc, const char *name)
{
	int dir = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;
	DIR *fds;

	if (dir < 0)
		return;
	fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds = fd < 0 ? NULL : fdopendir(fd);
	if (fds)
		walk_fds(ix, atoi(name), dir, fds);
	close(dir);
}

void sock_table_find_owners(struct sock_table *t)
{
	struct index ix = { .by_inode = xcalloc(t->n + 1, sizeof(*ix.by_inode)) };
	struct dirent *de;
	DIR *proc;

	for (size_t i = 0; i < t->n; i++)
		if (t->row[i].inode)
			ix.by_inode[ix.n++] = &t->row[i];
	qsort(ix.by_inode, ix.n, sizeof(*ix.by_inode), cmp_inode);
	proc = ix.n ? opendir("/proc") : NULL;
	while (proc && (de = readdir(proc)))
		if (isdigit((unsigned char)de->d_name[0]))
			walk_process(&ix, dirfd(proc), de->d_name);
	if (proc)
		closedir(proc);
	free(ix.by_inode);
}
