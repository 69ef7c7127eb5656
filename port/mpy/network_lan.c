// network.LAN: the machine's Ethernet interfaces.
#include <string.h>

#include "py/mperrno.h"
#include "py/objstr.h"
#include "py/runtime.h"

#include "extmod/modnetwork.h"
#include "lwip/dhcp.h"
#include "lwip/prot/dhcp.h"

#include "devices/nic.h"
#include "frames/modframes.h"
#include "mpy/network.h"
#include "net/net.h"

// Of status(), as stm32's LAN has them.
enum { DOWN = 0, NO_LINK = 1, NO_ADDRESS = 2, CONNECTED = 3 };

typedef struct {
    mp_obj_base_t base;
    unsigned nic;
} lan_obj_t;

MP_REGISTER_ROOT_POINTER(void *network_lans[8]);
_Static_assert(NICS_MAX == 8, "network_lans has one for each");

void network_init(void) {
    memset(MP_STATE_PORT(network_lans), 0, sizeof(MP_STATE_PORT(network_lans)));
    mod_network_init();
}

static void check_nic(const lan_obj_t *self) {
    if (!nic_is(self->nic)) {
        mp_raise_OSError(MP_ENODEV);
    }
}

static struct netif *get_interface(const lan_obj_t *self) {
    network_start();
    check_nic(self);
    struct netif *netif = net_interface(self->nic);
    if (netif == NULL) {
        mp_raise_type(&mp_type_MemoryError);
    }
    return netif;
}

// What modules/_nics.py has by that name, called with these arguments.
static mp_obj_t call_policy(qstr name, size_t n_args, const mp_obj_t *args) {
    mp_obj_t module = mp_import_name(MP_QSTR__nics, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    return mp_call_function_n_kw(mp_load_attr(module, name), n_args, 0, args);
}

static int get_status(const lan_obj_t *self) {
    struct netif *netif = nic_is(self->nic) ? net_find_interface(self->nic) : NULL;
    if (netif == NULL || !netif_is_up(netif)) {
        return DOWN;
    } else if (!nic_link(self->nic)) {
        return NO_LINK;
    }
    return ip4_addr_isany(netif_ip4_addr(netif)) ? NO_ADDRESS : CONNECTED;
}

static void lan_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    static const char *const texts[] = { "down", "no link", "no address", "connected" };
    (void)kind;
    lan_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "LAN(%u", self->nic);
    if (nic_is(self->nic)) {
        const uint8_t *mac = nic_mac(self->nic);
        const char *text = nic_text(self->nic);
        const char *end = strchr(text, 1);
        mp_printf(print, ", %.*s, %02x:%02x:%02x:%02x:%02x:%02x", end == NULL ? (int)strlen(text) : (int)(end - text), text,
            mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    }
    int status = get_status(self);
    mp_printf(print, ", %s", texts[status]);
    if (status == CONNECTED) {
        char addr[IP4ADDR_STRLEN_MAX];
        mp_printf(print, ", %s", ip4addr_ntoa_r(netif_ip4_addr(net_find_interface(self->nic)), addr, sizeof(addr)));
    }
    mp_print_str(print, ")");
}

// LAN(id=0): the id-th interface. The first time the machine is looked through for them.
static mp_obj_t lan_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_id, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(0)} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    network_start();
    uint64_t nic = frames_get_number(args[0].u_obj, "id");
    if (!nic_is(nic)) {
        call_policy(MP_QSTR_start, 0, NULL);
    }
    if (!nic_is(nic)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("there is no network interface %lu"), (unsigned long)nic);
    }
    void **place = &MP_STATE_PORT(network_lans)[nic];
    if (*place == NULL) {
        lan_obj_t *self = mp_obj_malloc(lan_obj_t, type);
        self->nic = nic;
        *place = self;
        mod_network_register_nic(MP_OBJ_FROM_PTR(self));
    }
    return MP_OBJ_FROM_PTR(*place);
}

// WLAN(id): what programs for boards with WLAN ask for. IF_STA is the first interface here, IF_AP one that is never there.
static mp_obj_t wlan_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    mp_int_t id = n_args == 0 ? MOD_NETWORK_STA_IF : mp_obj_get_int(args[0]);
    if (id == MOD_NETWORK_STA_IF) {
        return lan_make_new(&network_lan_type, 0, 0, NULL);
    } else if (id != MOD_NETWORK_AP_IF) {
        mp_raise_ValueError(MP_ERROR_TEXT("WLAN is IF_STA or IF_AP"));
    }
    network_start();
    lan_obj_t *self = mp_obj_malloc(lan_obj_t, &network_lan_type);
    self->nic = NICS_MAX;
    return MP_OBJ_FROM_PTR(self);
}

static void switch_off(const lan_obj_t *self) {
    struct netif *netif = nic_is(self->nic) ? net_find_interface(self->nic) : NULL;
    if (netif != NULL) {
        dhcp_release_and_stop(netif);
        netif_set_down(netif);
        nic_listen(self->nic, false);
    }
}

static void switch_on(const lan_obj_t *self) {
    struct netif *netif = get_interface(self);
    if (netif_is_up(netif)) {
        return;
    }
    // None, or what ifconfig() takes: of the command line.
    mp_obj_t number = MP_OBJ_NEW_SMALL_INT(self->nic);
    mp_obj_t address = call_policy(MP_QSTR_address, 1, &number);
    netif_set_hostname(netif, mod_network_hostname_data);
    nic_listen(self->nic, true);
    if (nic_link(self->nic)) {
        netif_set_link_up(netif);
    }
    netif_set_up(netif);
    if (address == mp_const_none) {
        if (dhcp_start(netif) != ERR_OK) {
            switch_off(self);
            mp_raise_type(&mp_type_MemoryError);
        }
    } else {
        mod_network_nic_ifconfig(netif, 1, &address);
    }
}

// active([on]) -> bool
static mp_obj_t lan_active(size_t n_args, const mp_obj_t *args) {
    lan_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    network_enter();
    if (n_args == 1) {
        return mp_obj_new_bool(get_status(self) != DOWN);
    }
    if (mp_obj_is_true(args[1])) {
        switch_on(self);
    } else {
        switch_off(self);
    }
    network_exit();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lan_active_obj, 1, 2, lan_active);

static mp_obj_t lan_isconnected(mp_obj_t self_in) {
    network_enter();
    return mp_obj_new_bool(get_status(MP_OBJ_TO_PTR(self_in)) == CONNECTED);
}
static MP_DEFINE_CONST_FUN_OBJ_1(lan_isconnected_obj, lan_isconnected);

static mp_obj_t new_stats(const lan_obj_t *self) {
    nic_stats_t stats;
    nic_get_stats(self->nic, &stats);
    const struct {
        qstr name;
        uint64_t value;
    } items[] = {
        { MP_QSTR_received, stats.received }, { MP_QSTR_received_bytes, stats.received_bytes },
        { MP_QSTR_sent, stats.sent }, { MP_QSTR_sent_bytes, stats.sent_bytes },
        { MP_QSTR_dropped, stats.dropped }, { MP_QSTR_errors, stats.errors },
    };
    mp_obj_t dict = mp_obj_new_dict(MP_ARRAY_SIZE(items));
    for (size_t i = 0; i < MP_ARRAY_SIZE(items); ++i) {
        mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(items[i].name), mp_obj_new_int_from_ull(items[i].value));
    }
    return dict;
}

// status() -> 0 not active, 1 no link, 2 no address yet, 3 connected; status("stats") -> dict of counts
static mp_obj_t lan_status(size_t n_args, const mp_obj_t *args) {
    lan_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    network_enter();
    if (n_args == 1) {
        return MP_OBJ_NEW_SMALL_INT(get_status(self));
    }
    if (mp_obj_str_get_qstr(args[1]) != MP_QSTR_stats) {
        mp_raise_ValueError(MP_ERROR_TEXT("status is of 'stats' or of nothing"));
    }
    check_nic(self);
    return new_stats(self);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lan_status_obj, 1, 2, lan_status);

// Upstream takes any digits and dots for an address, and any number for the bits of a mask.
static void check_ipv4(mp_obj_t text) {
    const char *at = mp_obj_str_get_str(text);
    ip4_addr_t addr;
    unsigned dots = 0;
    for (const char *dot = at; (dot = strchr(dot, '.')) != NULL; ++dot) {
        ++dots;
    }
    if (dots != 3 || !ip4addr_aton(at, &addr)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("'%s' is no IPv4 address"), at);
    }
}

static void check_prefix(mp_obj_t addr, unsigned most) {
    const char *slash = mp_obj_is_str(addr) ? strchr(mp_obj_str_get_str(addr), '/') : NULL;
    if (slash != NULL) {
        unsigned bits = 0, length = 0;
        for (; unichar_isdigit(slash[1 + length]) && length < 3; ++length) {
            bits = 10 * bits + slash[1 + length] - '0';
        }
        if (length == 0 || slash[1 + length] != '\0' || bits > most) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("behind / come 0 to %u bits"), most);
        }
    }
}

static mp_obj_t lan_ifconfig(size_t n_args, const mp_obj_t *args) {
    struct netif *netif = get_interface(MP_OBJ_TO_PTR(args[0]));
    if (n_args == 2 && !mp_obj_is_str(args[1])) {
        mp_obj_t *items;
        mp_obj_get_array_fixed_n(args[1], 4, &items);
        for (size_t i = 0; i < 4; ++i) {
            check_ipv4(items[i]);
        }
    }
    mp_obj_t result = mod_network_nic_ifconfig(netif, n_args - 1, args + 1);
    network_exit();
    return result;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lan_ifconfig_obj, 1, 2, lan_ifconfig);

// Upstream takes the first name for that of each value, so it is given one at a time.
static mp_obj_t lan_ipconfig(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs) {
    struct netif *netif = get_interface(MP_OBJ_TO_PTR(args[0]));
    if (kwargs->used == 0 || n_args != 1) {
        return mod_network_nic_ipconfig(netif, n_args - 1, args + 1, kwargs);
    }
    for (size_t i = 0; i < kwargs->alloc; ++i) {
        if (mp_map_slot_is_filled(kwargs, i)) {
            mp_map_t one;
            mp_obj_t item[] = { kwargs->table[i].key, kwargs->table[i].value };
            if (item[0] == MP_OBJ_NEW_QSTR(MP_QSTR_addr4)) {
                check_prefix(item[1], 32);
            } else if (item[0] == MP_OBJ_NEW_QSTR(MP_QSTR_addr6)) {
                check_prefix(item[1], 128);
            }
            mp_map_init_fixed_table(&one, 1, item);
            mod_network_nic_ipconfig(netif, 0, item, &one);
        }
    }
    network_exit();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(lan_ipconfig_obj, 1, lan_ipconfig);

static mp_obj_t new_boot_file(struct netif *netif) {
    const struct dhcp *dhcp = netif_dhcp_data(netif);
    if (dhcp == NULL || dhcp->state != DHCP_STATE_BOUND || dhcp->boot_file_name[0] == '\0') {
        return mp_const_none;
    }
    char addr[IP4ADDR_STRLEN_MAX];
    mp_obj_t items[] = {
        mp_obj_new_str_from_cstr(ip4addr_ntoa_r(&dhcp->offered_si_addr, addr, sizeof(addr))),
        mp_obj_new_str(dhcp->boot_file_name, strnlen(dhcp->boot_file_name, sizeof(dhcp->boot_file_name))),
    };
    return mp_obj_new_tuple(2, items);
}

// config("mac" | "mtu" | "hostname" | "boot") -> value; config(hostname=...)
static mp_obj_t lan_config(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs) {
    struct netif *netif = get_interface(MP_OBJ_TO_PTR(args[0]));
    if (kwargs->used > 0) {
        mp_map_elem_t *name = mp_map_lookup(kwargs, MP_OBJ_NEW_QSTR(MP_QSTR_hostname), MP_MAP_LOOKUP);
        if (n_args != 1 || kwargs->used != 1 || name == NULL) {
            mp_raise_ValueError(MP_ERROR_TEXT("config() sets hostname and nothing else"));
        }
        return mod_network_hostname(1, &name->value);
    }
    if (n_args != 2) {
        mp_raise_TypeError(MP_ERROR_TEXT("must query one param"));
    }
    switch (mp_obj_str_get_qstr(args[1])) {
        case MP_QSTR_mac:
            return mp_obj_new_bytes(netif->hwaddr, sizeof(netif->hwaddr));
        case MP_QSTR_mtu:
            return MP_OBJ_NEW_SMALL_INT(netif->mtu);
        case MP_QSTR_hostname:
            return mod_network_hostname(0, NULL);
        case MP_QSTR_boot:
            return new_boot_file(netif);
        default:
            mp_raise_ValueError(MP_ERROR_TEXT("config() knows mac, mtu, hostname and boot"));
    }
}
static MP_DEFINE_CONST_FUN_OBJ_KW(lan_config_obj, 1, lan_config);

static const mp_rom_map_elem_t lan_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_active), MP_ROM_PTR(&lan_active_obj) },
    { MP_ROM_QSTR(MP_QSTR_isconnected), MP_ROM_PTR(&lan_isconnected_obj) },
    { MP_ROM_QSTR(MP_QSTR_status), MP_ROM_PTR(&lan_status_obj) },
    { MP_ROM_QSTR(MP_QSTR_ifconfig), MP_ROM_PTR(&lan_ifconfig_obj) },
    { MP_ROM_QSTR(MP_QSTR_ipconfig), MP_ROM_PTR(&lan_ipconfig_obj) },
    { MP_ROM_QSTR(MP_QSTR_config), MP_ROM_PTR(&lan_config_obj) },
};
static MP_DEFINE_CONST_DICT(lan_locals, lan_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    network_lan_type,
    MP_QSTR_LAN,
    MP_TYPE_FLAG_NONE,
    make_new, lan_make_new,
    print, lan_print,
    locals_dict, &lan_locals
    );

static const mp_rom_map_elem_t wlan_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_IF_STA), MP_ROM_INT(MOD_NETWORK_STA_IF) },
    { MP_ROM_QSTR(MP_QSTR_IF_AP), MP_ROM_INT(MOD_NETWORK_AP_IF) },
};
static MP_DEFINE_CONST_DICT(wlan_locals, wlan_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    network_wlan_type,
    MP_QSTR_WLAN,
    MP_TYPE_FLAG_NONE,
    make_new, wlan_make_new,
    locals_dict, &wlan_locals
    );
