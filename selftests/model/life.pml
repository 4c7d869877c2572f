/* SPDX-License-Identifier: GPL-2.0 */
/*
 * life.pml - the life of a child: found, queued, deferred, accepted, closed, while
 * its listener is closed, packets come and timers run.  The references and locks are
 * those of the essay in module/sock.h, the steps those of listen.c, defer.c, lookup.c,
 * timer.c and af_rill.c; between two steps anybody else may run.
 *
 * What is freed is freed when no reader is inside an RCU section (SOCK_RCU_FREE).
 */

/* The child. */
byte refs;
bit born, hashed, over, orphan, gone, freed, lock;
byte readers;
/* On which list: the place is guarded by the listener's accept_lock. */
#define NONE 0
#define DEFER_Q 1
#define ACCEPT_Q 2
#define STOPPED 3
byte where;
bit parent;
/* The listener. */
byte prefs = 1, backlog, ndeferred;
bit open = 1, listening = 1, plock, alock;
bit accepted, refused;

#define ACQUIRE(l) atomic { !l -> l = 1 }
#define RELEASE(l) l = 0
#define TOUCH assert(!freed)			/* L1: no access after free */

inline put() { atomic {
	assert(refs > 0);
	refs--;
	if
	:: refs == 0 ->
		/* L4: who dies is on no list, in no table, and forgot its listener */
		assert(!hashed && where == NONE && !parent && over);
		gone = 1
	:: else
	fi } }

/* L2: a count never rises from nothing. */
inline hold() { atomic { assert(refs > 0); refs++ } }
inline try_hold(ok) { atomic { ok = refs > 0; refs = refs + ok } }
inline pput() { atomic { assert(prefs > 0); prefs-- } }
inline phold() { atomic { assert(prefs > 0); prefs++ } }

/* rill_destroy(): locked. */
inline destroy() {
	TOUCH; over = 1;
	if
	:: atomic { hashed -> hashed = 0 }; put()	/* `table` */
	:: else
	fi
}

/* rill_defer_forget(): locked. */
inline forget() { TOUCH; pput(); parent = 0 }

/* rill_defer_done(): locked, with a parent. */
inline defer_done() {
	ACQUIRE(alock);
	isopen = open;
	if
	:: isopen -> assert(where == DEFER_Q); where = ACCEPT_Q; ndeferred--; backlog++
	:: else
	fi;
	RELEASE(alock);
	if
	:: isopen -> assert(prefs > 0); forget()	/* sk_data_ready() of the parent, then */
	:: else
	fi
}

/* rill_defer_drop(): locked, with a parent, the caller having a reference of his own. */
inline defer_drop() {
	ACQUIRE(alock);
	isopen = open;
	if
	:: isopen -> assert(where == DEFER_Q); where = NONE; ndeferred--
	:: else
	fi;
	RELEASE(alock);
	if
	:: isopen -> forget(); orphan = 1; put(); destroy()	/* `queue` */
	:: else
	fi
}

/* Softirq: a valid echo makes a child.  rill_listen_echo(), rill_accept_add(), rill_defer_add() */
proctype birth() {
	bit room;
	if
	:: atomic { listening && prefs > 0 -> prefs++ }	/* found under RCU, and pinned */
	:: goto none
	fi;
	/* sk_clone_lock(): ours, and one for the queue; then found by its id */
	atomic { born = 1; lock = 1; refs = 2 };
	refs++; hashed = 1;				/* `table` */
	ACQUIRE(alock);
	room = open;
	if
	:: room -> where = DEFER_Q; ndeferred++; RELEASE(alock); phold(); parent = 1
	:: room -> where = ACCEPT_Q; backlog++; RELEASE(alock)
	:: RELEASE(alock); refused = 1; orphan = 1; destroy(); put()	/* full, or closed */
	fi;
	RELEASE(lock);
	put();
	pput();
none:	skip
}

/* What packets and timers do with a child they hold and have locked. */
inline event() {
	TOUCH;
	if
	:: parent && !over -> defer_done()		/* data; the time is over */
	:: parent && !over -> defer_drop()		/* RESET */
	:: !parent && !over && orphan -> destroy()	/* the connection ends */
	:: !parent && !over && !orphan -> over = 1;	/* it ends, the program will close it */
		if
		:: atomic { hashed -> hashed = 0 }; put()
		:: else
		fi
	:: skip
	fi
}

/* Softirq: packets for its id.  rill_input() */
proctype packet() {
	bit ok, isopen;
end:	do
	:: atomic { hashed -> readers++ };
		TOUCH; try_hold(ok); readers--;
		if
		:: ok -> ACQUIRE(lock); event(); RELEASE(lock); put()
		:: else
		fi; ok = 0; isopen = 0
	:: gone -> break
	od
}

/* rill_timer_fn(), a softirq and so a reader too; armed as long as it is not destroyed. */
proctype timer() {
	bit ok, isopen;
end:	do
	:: atomic { born && !over -> readers++ };
		TOUCH; try_hold(ok); readers--;
		if
		:: ok -> ACQUIRE(lock); event(); RELEASE(lock); put()
		:: else
		fi; ok = 0; isopen = 0
	:: gone -> break
	od
}

/* A program accepts it, rill_accept(), and closes it, rill_close(). */
proctype program() {
	bit mine;
	do
	:: mine || !listening -> break
	:: ACQUIRE(plock);
		ACQUIRE(alock);
		if
		:: where == ACCEPT_Q -> where = NONE; backlog--; mine = 1
		:: else
		fi;
		RELEASE(alock);
		RELEASE(plock)
	od;
	if
	:: mine ->
		accepted = 1;
		ACQUIRE(lock);
		TOUCH; orphan = 1;
		if
		:: destroy()				/* unread data, or over */
		:: skip					/* the rest goes by itself */
		fi;
		RELEASE(lock);
		put()					/* `file`, which was `queue` */
	:: else
	fi
}

/* Another closes the listener.  rill_listen_stop() */
proctype stop() {
	ACQUIRE(plock);
	listening = 0;
	ACQUIRE(alock);
	open = 0;
	if
	:: where == DEFER_Q || where == ACCEPT_Q -> where = STOPPED
	:: else
	fi;
	ndeferred = 0;
	RELEASE(alock);
	if
	:: where == STOPPED ->
		where = NONE;
		ACQUIRE(lock);
		TOUCH;
		if
		:: parent -> forget()
		:: else -> backlog--
		fi;
		orphan = 1;
		destroy();
		RELEASE(lock);
		put()					/* `queue` */
	:: else
	fi;
	assert(where == NONE);				/* L3: nobody is forgotten */
	RELEASE(plock);
	pput()						/* the listener's `file` */
}

proctype reclaim() {
end:	atomic { gone && !readers -> freed = 1 }
}

/* L3: when all is quiet, nothing is left of either, and every child had an end. */
proctype quiet() {
	timeout ->
	assert(!born || (freed && (accepted || refused || over)));
	assert(refs == 0 && prefs == 0 && backlog == 0 && ndeferred == 0)
}

init { atomic {
	run birth(); run packet(); run timer(); run program(); run stop(); run reclaim();
	run quiet()
} }
