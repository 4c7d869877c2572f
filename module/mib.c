// SPDX-License-Identifier: GPL-2.0
/*
 * mib.c - the counters, by name.
 *
 * Owns the names in /proc/net/rill_snmp, two lines in the form that nstat
 * reads.  The meanings are in core/mib.h.  Names are for ever: append only.
 */
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include "netns.h"

static const char *const rill_mib_names[RILL_MIB_MAX] = {
	[RILL_MIB_ACTIVEOPENS] = "ActiveOpens",
	[RILL_MIB_PASSIVEOPENS] = "PassiveOpens",
	[RILL_MIB_ATTEMPTFAILS] = "AttemptFails",
	[RILL_MIB_ESTABRESETS] = "EstabResets",
	[RILL_MIB_INPKTS] = "InPkts",
	[RILL_MIB_OUTPKTS] = "OutPkts",
	[RILL_MIB_INRUNS] = "InRuns",
	[RILL_MIB_OUTRUNS] = "OutRuns",
	[RILL_MIB_OUTRESETS] = "OutResets",
	[RILL_MIB_INSHORT] = "InShort",
	[RILL_MIB_INVERSION] = "InVersion",
	[RILL_MIB_INTYPE] = "InType",
	[RILL_MIB_INFLAGS] = "InFlags",
	[RILL_MIB_INEXT] = "InExt",
	[RILL_MIB_INNOCONN] = "InNoConn",
	[RILL_MIB_SYNBAD] = "SynBad",
	[RILL_MIB_SYNREFUSED] = "SynRefused",
	[RILL_MIB_LISTENOVERFLOWS] = "ListenOverflows",
	[RILL_MIB_COOKIEBAD] = "CookieBad",
	[RILL_MIB_COOKIEOLD] = "CookieOld",
	[RILL_MIB_COOKIEREPLAY] = "CookieReplay",
	[RILL_MIB_INSTATE] = "InState",
	[RILL_MIB_RESETIGNORED] = "ResetIgnored",
	[RILL_MIB_CHILDFAILS] = "ChildFails",
	[RILL_MIB_INDUP] = "InDup",
	[RILL_MIB_INBADNUM] = "InBadNum",
	[RILL_MIB_INBADACK] = "InBadAck",
	[RILL_MIB_INBEYOND] = "InBeyond",
	[RILL_MIB_INBADFIN] = "InBadFin",
	[RILL_MIB_INNOROOM] = "InNoRoom",
	[RILL_MIB_INCLOSED] = "InClosed",
	[RILL_MIB_INFILTER] = "InFilter",
	[RILL_MIB_BACKLOGDROPS] = "BacklogDrops",
	[RILL_MIB_INOLD] = "InOld",
	[RILL_MIB_INOFO] = "InOfo",
	[RILL_MIB_CREDITSHRUNK] = "CreditShrunk",
	[RILL_MIB_REBINDS] = "Rebinds",
	[RILL_MIB_ICMPIN] = "IcmpIn",
	[RILL_MIB_ICMPBAD] = "IcmpBad",
	[RILL_MIB_SYNS] = "Syns",
	[RILL_MIB_SYNACKS] = "SynAcks",
	[RILL_MIB_ECHOES] = "Echoes",
	[RILL_MIB_RETRANS] = "RetransPkts",
	[RILL_MIB_LOST] = "LostPkts",
	[RILL_MIB_SPURIOUS] = "SpuriousLosses",
	[RILL_MIB_UNDOS] = "Undos",
	[RILL_MIB_CONGESTION] = "CongestionEvents",
	[RILL_MIB_PERSISTENT] = "PersistentCongestion",
	[RILL_MIB_PTOS] = "Ptos",
	[RILL_MIB_WINPROBES] = "WinProbes",
	[RILL_MIB_KEEPALIVES] = "KeepAlives",
	[RILL_MIB_ECNMARKS] = "EcnMarks",
	[RILL_MIB_TXERRORS] = "TxErrors",
	[RILL_MIB_ABORTONDATA] = "AbortOnData",
	[RILL_MIB_ABORTONTIMEOUT] = "AbortOnTimeout",
	[RILL_MIB_ABORTONMEMORY] = "AbortOnMemory",
	[RILL_MIB_TOMBS] = "Tombs",
	[RILL_MIB_TOMBOVERFLOW] = "TombOverflow",
	[RILL_MIB_FASTTOKENS] = "FastTokens",
	[RILL_MIB_FASTPASSIVE] = "FastPassive",
	[RILL_MIB_FASTPASSIVEFAIL] = "FastPassiveFail",
	[RILL_MIB_FASTOVERFLOWS] = "FastOverflows",
	[RILL_MIB_FASTACTIVE] = "FastActive",
	[RILL_MIB_FASTACTIVEFAIL] = "FastActiveFail",
	[RILL_MIB_INDEVICE] = "InDevice",
	[RILL_MIB_INMINTTL] = "InMinTtl",
	[RILL_MIB_INDGRAMS] = "InDgrams",
	[RILL_MIB_OUTDGRAMS] = "OutDgrams",
	[RILL_MIB_INDGRAMBAD] = "InDgramBad",
	[RILL_MIB_INDGRAMNOPORT] = "InDgramNoPort",
	[RILL_MIB_INDGRAMCAST] = "InDgramCast",
	[RILL_MIB_INDGRAMFULL] = "InDgramFull",
	[RILL_MIB_DGRAMREFUSED] = "DgramRefused",
	[RILL_MIB_INBADRECORD] = "InBadRecord",
	[RILL_MIB_OUTGIVENUP] = "OutGivenUp",
	[RILL_MIB_INGIVENUP] = "InGivenUp",
	[RILL_MIB_ABORTONBADACK] = "AbortOnBadAck",
	[RILL_MIB_ECNFAILS] = "EcnFails",
	[RILL_MIB_PMTUPROBES] = "PmtuProbes",
	[RILL_MIB_PMTUHOLES] = "PmtuHoles",
	[RILL_MIB_PATHCHALLENGES] = "PathChallenges",
	[RILL_MIB_PATHVALIDATED] = "PathValidated",
};

static unsigned long rill_mib_sum(const struct rill_net *rn, int id)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(rn->mib, cpu)->v[id];
	return sum;
}

int rill_mib_show(struct seq_file *seq, void *v)
{
	struct rill_net *rn = rill_pernet(seq->private);
	int i;

	seq_puts(seq, "Rill:");
	for (i = 1; i < RILL_MIB_MAX; i++)
		seq_printf(seq, " %s", rill_mib_names[i]);
	seq_puts(seq, "\nRill:");
	for (i = 1; i < RILL_MIB_MAX; i++)
		seq_printf(seq, " %lu", rill_mib_sum(rn, i));
	seq_putc(seq, '\n');
	return 0;
}
