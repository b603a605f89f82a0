/*
 * test_clients.c: what a client costs while others of its account wait: nobody looks at those, nor
 * for a place for them. Runs in tests/world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = 1001, MANY = 50, FEW = 5 };

static struct supervisor_plan plan = {.notify_inner = -1};
static struct supervisor supervisor;
static struct instance instance;
static struct listener *listener;
static char log_path[256];
static unsigned looks; /* for a stand-in with room */

struct stand_in_end *__real_instance_stand_in(struct instance *of, uint32_t number);
struct stand_in_end *__wrap_instance_stand_in(struct instance *of, uint32_t number);

struct stand_in_end *__wrap_instance_stand_in(struct instance *of, uint32_t number)
{
    looks++;
    return __real_instance_stand_in(of, number);
}

static int begin(void **state)
{
    static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0clients"};
    struct request_socket asked = {.family = AF_UNIX, .type = SOCK_STREAM};
    cleanup_descriptor int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    plan.policy = policy_new(PROTECT_SCOPES);
    supervisor = (struct supervisor){.plan = &plan};
    supervisor.listeners = (struct listeners){
        .loop = &supervisor.loop, .accept = clients_accept, .context = &supervisor};
    tenants_init(&supervisor.tenants);
    snprintf(log_path, sizeof log_path, "%s/clients-log", getenv("TMPDIR"));
    if (!plan.policy ||
        event_log_open(EVENT_TO_FILE, log_path, EVENT_AS_TEXT, false, &plan.log) < 0)
        return -1;
    if (bind(made, (const struct sockaddr *)&address, sizeof address) < 0 ||
        listen(made, 2 * MANY) < 0 || loop_open(&supervisor.loop) < 0)
        return -1;
    return listeners_offer(&supervisor.listeners, &asked, made, &listener);
}

static void release(void *context, struct tenant *tenant)
{
    (void)context;
    tenant->instance = NULL;
    clients_refuse(&supervisor, tenant, ACCOUNT_NO_INSTANCE, 0);
    tenants_release(&supervisor.tenants, tenant, INT64_MAX);
}

static int end(void **state)
{
    (void)state;
    instance_forget_stand_ins(&instance);
    connections_forget(&instance.connections);
    tenants_visit(&supervisor.tenants, release, NULL);
    listeners_close(&supervisor.listeners);
    loop_close(&supervisor.loop);
    event_log_close(plan.log);
    policy_free(plan.policy);
    unlink(log_path);
    return supervisor.tenants.held == 0 ? 0 : -1;
}

/* So many clients of alice's come, and are accepted; that they are gone by then is all the same. */
static void come(unsigned count)
{
    struct sockaddr_storage address = listener->facts.address;
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (setresgid(ALICE, ALICE, ALICE) < 0 || setresuid(ALICE, ALICE, ALICE) < 0)
            _exit(1);
        for (unsigned i = 0; i < count; i++)
            if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address,
                    listener->facts.address_length) < 0)
                _exit(2);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    looks = 0;
    clients_accept(&supervisor, listener);
}

/* She has an instance, which listens at that number alone. Returns its stand-in. */
static int serve_at(uint32_t number)
{
    int theirs = -1;

    instance = (struct instance){.supervisor = &supervisor,
        .state = INSTANCE_SERVING,
        .tenant = supervisor.tenants.wants_first};
    assert_non_null(instance.tenant);
    instance.tenant->instance = &instance;
    tenants_want_no_more(&supervisor.tenants, instance.tenant);
    assert_int_equal(instance_add_stand_in(&instance, number, &theirs), 0);
    return theirs;
}

static void who_comes_where_others_wait_is_only_added(void **state)
{
    cleanup_descriptor int other = -1;

    (void)state;
    come(1);
    assert_int_equal(supervisor.tenants.waiting, 1);
    assert_int_equal(looks, 0);
    other = serve_at(listener->number + 1);
    come(MANY);
    assert_int_equal(supervisor.tenants.waiting, 1 + MANY);
    assert_int_equal(looks, 0);

    /* What has no place for them is not asked about them either. */
    clients_deliver_at(&supervisor, instance.tenant, listener->number + 1);
    assert_int_equal(looks, 0);
    clients_deliver(&supervisor, instance.tenant);
    assert_int_equal(looks, 1);
    assert_int_equal(supervisor.tenants.waiting, 1 + MANY);
}

static void who_comes_first_is_served_at_once(void **state)
{
    cleanup_descriptor int own = -1;

    (void)state;
    come(1);
    own = serve_at(listener->number);
    clients_deliver(&supervisor, instance.tenant);
    assert_int_equal(supervisor.tenants.waiting, 0);
    come(FEW);
    assert_int_equal(looks, FEW);
    assert_int_equal(supervisor.tenants.waiting, 0);
}

/* A spare that was told to end may be about to listen. */
static void what_ends_as_nobodys_is_in_nobodys_share(void **state)
{
    cleanup_descriptor int theirs = -1;

    (void)state;
    instance = (struct instance){.supervisor = &supervisor, .state = INSTANCE_ENDING};
    assert_int_equal(instance_add_stand_in(&instance, listener->number, &theirs), 0);
    assert_int_equal(supervisor.tenants.held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_comes_where_others_wait_is_only_added, begin, end),
        cmocka_unit_test_setup_teardown(who_comes_first_is_served_at_once, begin, end),
        cmocka_unit_test_setup_teardown(what_ends_as_nobodys_is_in_nobodys_share, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
