/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mib.h - the names of what is counted.
 *
 * Owns the list; /proc/net/rill_snmp prints it in this order under the names
 * of the table in module/mib.c.  Names are for ever: append, never rename.
 */
#ifndef RILL_CORE_MIB_H
#define RILL_CORE_MIB_H

enum rill_mib {
	RILL_MIB_NONE = 0,
	/* connections, as RFC 4022 has them */
	RILL_MIB_ACTIVEOPENS,		/* connect() calls that sent a SYN */
	RILL_MIB_PASSIVEOPENS,		/* children created by a valid echo */
	RILL_MIB_ATTEMPTFAILS,		/* connects that failed */
	RILL_MIB_ESTABRESETS,		/* connections ended by a RESET */
	/* packets */
	RILL_MIB_INPKTS,		/* packets received, bad ones included */
	RILL_MIB_OUTPKTS,		/* packets sent */
	RILL_MIB_INRUNS,		/* trains received: calls of the engine */
	RILL_MIB_OUTRUNS,		/* trains sent */
	RILL_MIB_OUTRESETS,		/* RESETs sent */
	/* received and dropped: the packet was malformed */
	RILL_MIB_INSHORT,		/* shorter than its header or lengths say */
	RILL_MIB_INVERSION,		/* unknown version */
	RILL_MIB_INTYPE,		/* unknown type */
	RILL_MIB_INFLAGS,		/* unknown flag */
	RILL_MIB_INEXT,			/* malformed extension */
	/* received and dropped: handshake */
	RILL_MIB_INNOCONN,		/* for an id nobody has */
	RILL_MIB_SYNBAD,		/* SYN not padded, or without what it needs */
	RILL_MIB_SYNREFUSED,		/* SYN or echo for a port nobody listens on */
	RILL_MIB_LISTENOVERFLOWS,	/* accept queue full */
	RILL_MIB_COOKIEBAD,		/* echo with a forged or foreign cookie */
	RILL_MIB_COOKIEOLD,		/* echo with a cookie past its time */
	RILL_MIB_COOKIEREPLAY,		/* echo of a cookie that was used before */
	RILL_MIB_INSTATE,		/* type that means nothing in the state */
	RILL_MIB_RESETIGNORED,		/* RESET that did not fit */
	RILL_MIB_CHILDFAILS,		/* no memory or no room for a child */
	/* received and dropped: established */
	RILL_MIB_INDUP,			/* packet number received before */
	RILL_MIB_INBADNUM,		/* packet number or offset that cannot be */
	RILL_MIB_INBADACK,		/* acknowledges what was never sent */
	RILL_MIB_INBEYOND,		/* data beyond the credit given */
	RILL_MIB_INBADFIN,		/* data after the FIN, or a second FIN elsewhere */
	RILL_MIB_INNOROOM,		/* too many gaps, or receive buffer full */
	RILL_MIB_INCLOSED,		/* data after the program closed */
	RILL_MIB_INFILTER,		/* a socket filter said no */
	RILL_MIB_BACKLOGDROPS,		/* socket busy and its backlog full */
	/* received and kept */
	RILL_MIB_INOLD,			/* data received before under another number */
	RILL_MIB_INOFO,			/* data ahead of a gap */
	RILL_MIB_CREDITSHRUNK,		/* credit lower than given before, ignored */
	RILL_MIB_REBINDS,		/* the peer's address changed */
	RILL_MIB_ICMPIN,		/* ICMP errors that quoted a live id */
	RILL_MIB_ICMPBAD,		/* ICMP errors that did not */
	/* sending */
	RILL_MIB_SYNS,			/* SYNs sent */
	RILL_MIB_SYNACKS,		/* SYN-ACKs sent */
	RILL_MIB_ECHOES,		/* cookie echoes sent */
	RILL_MIB_RETRANS,		/* packets sent again */
	RILL_MIB_LOST,			/* packets declared lost */
	RILL_MIB_SPURIOUS,		/* of them, packets that arrived after all */
	RILL_MIB_UNDOS,			/* window reductions taken back */
	RILL_MIB_CONGESTION,		/* window reductions */
	RILL_MIB_PERSISTENT,		/* persistent congestion */
	RILL_MIB_PTOS,			/* probe time-outs */
	RILL_MIB_WINPROBES,		/* zero-window probes */
	RILL_MIB_KEEPALIVES,		/* keepalive probes */
	RILL_MIB_ECNMARKS,		/* CE marks the peer reported */
	RILL_MIB_TXERRORS,		/* packets the IP layer did not take */
	/* endings */
	RILL_MIB_ABORTONDATA,		/* closed with unread data, or lingered 0 */
	RILL_MIB_ABORTONTIMEOUT,	/* gave up on a silent peer */
	RILL_MIB_ABORTONMEMORY,		/* too many orphans, or out of memory */
	RILL_MIB_TOMBS,			/* tombstones made */
	RILL_MIB_TOMBOVERFLOW,		/* tombstones not made: too many */
	/* fast open */
	RILL_MIB_FASTTOKENS,		/* tokens given to clients */
	RILL_MIB_FASTPASSIVE,		/* of the children, those a token opened */
	RILL_MIB_FASTPASSIVEFAIL,	/* tokens not believed, or no child for want of memory */
	RILL_MIB_FASTOVERFLOWS,		/* too many children nobody confirmed: ordinary opening */
	RILL_MIB_FASTACTIVE,		/* SYNs whose data was taken */
	RILL_MIB_FASTACTIVEFAIL,	/* SYNs whose data had to be sent again */
	/* received and dropped: the program's wish, besides its filter */
	RILL_MIB_INDEVICE,		/* not by the device the socket is bound to */
	RILL_MIB_INMINTTL,		/* from farther than IP_MINTTL allows */
	/* datagrams */
	RILL_MIB_INDGRAMS,		/* datagrams queued for a program */
	RILL_MIB_OUTDGRAMS,		/* datagrams sent */
	RILL_MIB_INDGRAMBAD,		/* without ports, with an id, or of another length */
	RILL_MIB_INDGRAMNOPORT,		/* for a port nobody has */
	RILL_MIB_INDGRAMCAST,		/* to a broadcast or multicast address */
	RILL_MIB_INDGRAMFULL,		/* receive buffer full, or no memory */
	RILL_MIB_DGRAMREFUSED,		/* refusals of datagrams, believed */
	/* records */
	RILL_MIB_INBADRECORD,		/* connections ended: a record that cannot be */
	RILL_MIB_OUTGIVENUP,		/* records given up: their time was over */
	RILL_MIB_INGIVENUP,		/* records the peer gave up */
	/* liars */
	RILL_MIB_ABORTONBADACK,		/* connections ended: a number left out was acknowledged */
	RILL_MIB_ECNFAILS,		/* connections that no longer mark: the path does not carry it */
	RILL_MIB_PMTUPROBES,		/* probes for the path MTU sent */
	RILL_MIB_PMTUHOLES,		/* paths on which large packets vanished */
	RILL_MIB_PATHCHALLENGES,	/* challenges sent to addresses peers moved to */
	RILL_MIB_PATHVALIDATED,		/* of them, those that were answered */
	RILL_MIB_MAX
};

#endif /* RILL_CORE_MIB_H */
