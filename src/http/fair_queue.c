/* SPDX-License-Identifier: Apache-2.0 */
#include "http/fair_queue.h"

#include "crypto/random.h"

#include <stdlib.h>

/* A client who has something in the queue: so there are never more of them than items. */
struct fair_client {
    struct client_address address;
    struct fair_client *chained, *older, *newer;
    struct fair_client_list *list; /* that it stands in */
    struct fair_item *first, *last;
    size_t count;
    bool is_quiet;
};

enum status fair_queue_init(struct fair_queue *queue, size_t maximum)
{
    size_t chains = 1;
    while (chains < maximum) chains *= 2;
    *queue = (struct fair_queue){.maximum = maximum, .chain_mask = chains - 1};
    queue->places = calloc(maximum, sizeof(*queue->places));
    queue->chains = calloc(chains, sizeof(struct fair_client *));
    if (queue->places == NULL || queue->chains == NULL) {
        fair_queue_done(queue);
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < maximum; i++) {
        queue->places[i].chained = queue->free;
        queue->free = &queue->places[i];
    }
    return random_bytes(sizeof(queue->seed), (uint8_t *)&queue->seed);
}

void fair_queue_done(struct fair_queue *queue)
{
    free(queue->places);
    free(queue->chains);
    *queue = (struct fair_queue){};
}

/* ---- clients ---- */

static struct fair_client **chain_of(const struct fair_queue *queue, const struct client_address *address)
{
    return &queue->chains[client_address_hash(address, queue->seed) & queue->chain_mask];
}

static struct fair_client *find(const struct fair_queue *queue, const struct client_address *address)
{
    struct fair_client *client = *chain_of(queue, address);
    while (client != NULL && !client_address_equal(&client->address, address)) client = client->chained;
    return client;
}

static void list_leave(struct fair_client *client)
{
    struct fair_client_list *const list = client->list;
    *(client->older != NULL ? &client->older->newer : &list->first) = client->newer;
    *(client->newer != NULL ? &client->newer->older : &list->last) = client->older;
}

/* At the end of its kind's turns. */
static void list_join(struct fair_queue *queue, struct fair_client *client)
{
    struct fair_client_list *const list = client->is_quiet ? &queue->quiet : &queue->busy;
    client->list = list;
    client->older = list->last;
    client->newer = NULL;
    *(list->last != NULL ? &list->last->newer : &list->first) = client;
    list->last = client;
}

static struct fair_client *add(struct fair_queue *queue, const struct client_address *address, bool is_quiet)
{
    struct fair_client *const client = queue->free;
    struct fair_client **const chain = chain_of(queue, address);
    queue->free = client->chained;
    *client = (struct fair_client){.address = *address, .chained = *chain, .is_quiet = is_quiet};
    *chain = client;
    list_join(queue, client);
    return client;
}

static void drop(struct fair_queue *queue, struct fair_client *client)
{
    struct fair_client **at = chain_of(queue, &client->address);
    while (*at != client) at = &(*at)->chained;
    *at = client->chained;
    list_leave(client);
    client->chained = queue->free;
    queue->free = client;
}

/* ---- when it is full ---- */

static struct fair_client *busiest_of(const struct fair_client_list *list, struct fair_client *busiest)
{
    for (struct fair_client *client = list->first; client != NULL; client = client->newer) {
        if (busiest == NULL || client->count > busiest->count) busiest = client;
    }
    return busiest;
}

static struct fair_item *take_newest(struct fair_queue *queue, struct fair_client *client)
{
    struct fair_item *const newest = client->last;
    struct fair_item *before = NULL;
    for (struct fair_item *item = client->first; item != newest; item = item->next) before = item;
    *(before != NULL ? &before->next : &client->first) = NULL;
    client->last = before;
    queue->count--;
    if (--client->count == 0) drop(queue, client);
    return newest;
}

/* Makes room for one more of a client who has `count`; NULL if nobody has more than that. A busy client's single item
 * gives way to a quiet one's. */
static struct fair_item *make_room(struct fair_queue *queue, size_t count, bool is_quiet)
{
    struct fair_client *const busiest = busiest_of(&queue->quiet, busiest_of(&queue->busy, NULL));
    const bool has_more = busiest->count > count + 1;
    const bool is_worth_less = is_quiet && !busiest->is_quiet && busiest->count > count;
    return has_more || is_worth_less ? take_newest(queue, busiest) : NULL;
}

struct fair_item *fair_queue_put(struct fair_queue *queue, struct fair_item *item, const struct client_address *address,
                                 bool is_quiet)
{
    struct fair_item *displaced = NULL;
    struct fair_client *client = find(queue, address);
    if (queue->count == queue->maximum) {
        displaced = make_room(queue, client != NULL ? client->count : 0, is_quiet);
        if (displaced == NULL) return item;
    }
    if (client == NULL) client = add(queue, address, is_quiet);
    client->is_quiet = is_quiet;
    item->next = NULL;
    *(client->last != NULL ? &client->last->next : &client->first) = item;
    client->last = item;
    client->count++;
    queue->count++;
    return displaced;
}

struct fair_item *fair_queue_take(struct fair_queue *queue)
{
    const bool is_busy_turn = queue->quiet_turns >= FAIR_QUIET_TURNS - 1 && queue->busy.first != NULL;
    struct fair_client *const client =
        queue->quiet.first != NULL && !is_busy_turn ? queue->quiet.first : queue->busy.first;
    if (client == NULL) return NULL;
    queue->quiet_turns = client->list == &queue->quiet && queue->busy.first != NULL ? queue->quiet_turns + 1 : 0;
    struct fair_item *const item = client->first;
    client->first = item->next;
    if (client->first == NULL) client->last = NULL;
    queue->count--;
    if (--client->count == 0) {
        drop(queue, client);
    } else {
        list_leave(client);
        list_join(queue, client);
    }
    return item;
}
