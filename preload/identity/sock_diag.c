/*
 * sock_diag.c: who owns the socket at the other end of a TCP connection of this host.
 *
 * Invariant: an owner is believed only if the kernel (nl_pid 0), in answer to this very question
 * (sequence number), described the socket with exactly the peer's address and port as its own and
 * ours as its peer, connected (ESTABLISHED, FIN_WAIT1, FIN_WAIT2) and still open in some process
 * (inode). The kernel is asked for one 4-tuple, never for a list: that is exact and costs the same
 * however many connections there are. Where nothing has that 4-tuple it answers with a listener on
 * the port instead, of whoever it may be; so the answer is compared, word for word.
 *
 * The interface asked for is 0 but for link-local addresses, so a peer that bound itself to a
 * device (SO_BINDTODEVICE) is not found. That is on purpose: the kernel lets one 4-tuple exist once
 * without and once with a device, and to ask for a device would find either of the two.
 *
 * The owner is the user that made the socket. Ids are those of the user namespace in which the
 * sock_diag socket was opened; see identity_after_fork() for who enters another one.
 *
 * Called by connection.c. Every failure is identity_refuse() with its reason.
 */
#include "identity/diag_socket.h"
#include "identity/endpoint.h"
#include "identity/sources.h"
#include "kernel.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/* An answer to an exact question with no extension is about 130 bytes, an error about 100. */
enum { ANSWER_SIZE = 1024 };

/* Answers of look-ups that ended between question and answer; there is hardly ever one. */
enum { MAX_STALE_ANSWERS = 64 };

union request {
    char buffer[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct inet_diag_req_v2))];
    struct nlmsghdr header;
};

union answer {
    char buffer[ANSWER_SIZE];
    struct nlmsghdr header;
};

/* The question names the peer's socket: its source is the peer, its destination our own end. */
static void build_request(
    union request *request, uint32_t sequence, const struct identity *identity, uint32_t interface)
{
    struct inet_diag_req_v2 *question;

    mnl_nlmsg_put_header(request->buffer);
    request->header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request->header.nlmsg_flags = NLM_F_REQUEST;
    request->header.nlmsg_seq = sequence;
    question = mnl_nlmsg_put_extra_header(&request->header, sizeof *question);
    question->sdiag_family = (uint8_t)identity->peer.family;
    question->sdiag_protocol = IPPROTO_TCP;
    question->idiag_states = ~0U;
    question->id.idiag_sport = htons(identity->peer.port);
    question->id.idiag_dport = htons(identity->local.port);
    endpoint_to_diag(&identity->peer, question->id.idiag_src);
    endpoint_to_diag(&identity->local, question->id.idiag_dst);
    question->id.idiag_if = interface;
    question->id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    question->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

static ssize_t receive_once(int descriptor, union answer *answer, struct sockaddr_nl *sender)
{
    struct iovec vector = {.iov_base = answer->buffer, .iov_len = sizeof answer->buffer};
    struct msghdr message = {
        .msg_name = sender, .msg_namelen = sizeof *sender, .msg_iov = &vector, .msg_iovlen = 1};

    sender->nl_pid = ~0U; /* not the kernel, should the kernel leave it out */
    return kernel_recvmsg(descriptor, &message, MSG_DONTWAIT);
}

/*
 * The kernel answers inside the send, so an answer is there or never comes: waiting for one could
 * only hang the server.
 */
static int receive_answer(int descriptor, uint32_t sequence, union answer *answer)
{
    for (unsigned i = 0; i < MAX_STALE_ANSWERS; i++) {
        struct sockaddr_nl sender;
        ssize_t length = receive_once(descriptor, answer, &sender);

        if (length == -EINTR || length == -ENOBUFS)
            continue;
        if (length < 0)
            return (int)length;
        if (sender.nl_pid == 0 && mnl_nlmsg_ok(&answer->header, (int)length) &&
            answer->header.nlmsg_seq == sequence)
            return 0;
    }
    return -EPROTO;
}

static int ask(struct diag_socket *socket, const struct identity *identity, uint32_t interface,
    union answer *answer)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    uint32_t sequence = diag_socket_next_sequence(socket);
    union request request;
    ssize_t sent;

    build_request(&request, sequence, identity, interface);
    do {
        sent = kernel_sendto(socket->descriptor, &request, request.header.nlmsg_len, MSG_DONTWAIT,
            (const struct sockaddr *)&kernel, sizeof kernel);
    } while (sent == -EINTR);
    if (sent < 0)
        return (int)sent;
    return receive_answer(socket->descriptor, sequence, answer);
}

static bool is_exactly(
    const struct inet_diag_msg *found, const struct identity *identity, uint32_t interface)
{
    struct identity_endpoint source, destination;

    return endpoint_of_diag(
               found->idiag_family, found->id.idiag_src, found->id.idiag_sport, &source) == 0 &&
           endpoint_of_diag(found->idiag_family, found->id.idiag_dst, found->id.idiag_dport,
               &destination) == 0 &&
           endpoint_equal(&source, &identity->peer) &&
           endpoint_equal(&destination, &identity->local) && found->id.idiag_if == interface;
}

static void judge_socket(
    const struct inet_diag_msg *found, uint32_t interface, struct identity *identity)
{
    if (!is_exactly(found, identity, interface))
        identity_refuse(identity, IDENTITY_REASON_OTHER_SOCKET, 0);
    else if (found->idiag_inode == 0)
        identity_refuse(identity, IDENTITY_REASON_ORPHAN, 0);
    else if (found->idiag_state != TCP_ESTABLISHED && found->idiag_state != TCP_FIN_WAIT1 &&
             found->idiag_state != TCP_FIN_WAIT2)
        identity_refuse(identity, IDENTITY_REASON_STATE, 0);
    else
        identity_believe_user(identity, IDENTITY_SOURCE_SOCK_DIAG, found->idiag_uid);
}

static void judge(const union answer *answer, uint32_t interface, struct identity *identity)
{
    const struct nlmsghdr *header = &answer->header;
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);

    if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
        mnl_nlmsg_get_payload_len(header) >= sizeof(struct inet_diag_msg))
        judge_socket(mnl_nlmsg_get_payload(header), interface, identity);
    else if (header->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(header) < sizeof *error)
        identity_refuse(identity, IDENTITY_REASON_KERNEL, EPROTO);
    else if (error->error == -ENOENT)
        identity_refuse(identity, IDENTITY_REASON_NOT_FOUND, 0);
    else
        identity_refuse(
            identity, IDENTITY_REASON_KERNEL, error->error < 0 ? -error->error : EPROTO);
}

void sock_diag_identify(uint32_t scope, uint64_t netns, struct identity *identity)
{
    cleanup_diag_socket struct diag_socket socket = {.descriptor = -1};
    union answer answer;
    int result = diag_socket_take(netns, &socket);

    if (result == 0)
        result = ask(&socket, identity, scope, &answer);
    if (result == 0)
        judge(&answer, scope, identity);
    else if (result == -EXDEV)
        identity_refuse(identity, IDENTITY_REASON_NAMESPACE, 0);
    else
        identity_refuse(identity, IDENTITY_REASON_KERNEL, -result);
}
