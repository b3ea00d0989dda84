using System.Text.Json.Nodes;
using EveStorage.Cli;
using EveStorage.Cli.Api;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Hardware;

/// <summary>A fact of a machine, and what follows from it.</summary>
/// <param name="Found">The fact.</param>
/// <param name="So">What follows.</param>
internal sealed record Reason(string Found, string So);

/// <summary>The profile that fits a machine, why, and what to put into its settings.</summary>
/// <param name="Profile">The profile's name.</param>
/// <param name="Reasons">Why, a decision each.</param>
/// <param name="Settings">What <c>/etc/evestorage/appsettings.json</c> has to have for it.</param>
internal sealed record ProfileChoice(string Profile, IReadOnlyList<Reason> Reasons, JsonObject Settings)
{
    private const string Embedded = "embedded";
    private const string VirtualMachine = "vm-in-cloud";
    private const string Small = "emmc-small";
    private const string OneDrive = "single-ssd";
    private const string Server = "server-zfs";
    private const string Cluster = "cluster-node";
    private const int ServerDrives = 3;

    private static readonly ByteSize s_thinFrom = ByteSize.GiB(8);
    private static readonly ByteSize s_clusterFrom = ByteSize.GiB(59);        // 64 GB, as drives are sold
    private static readonly ByteSize s_serverFrom = ByteSize.MiB(15 << 10);   // 16 GiB, less what firmware keeps
    private static readonly ByteSize s_smallBelow = ByteSize.MiB(3500);       // 4 GB, less what firmware and graphics keep

    /// <summary>Chooses, by these rules and no other knowledge.</summary>
    internal static ProfileChoice For(Machine machine)
    {
        List<Reason> reasons = [];
        string profile = Choose(machine, reasons);
        JsonObject settings = new() { [nameof(Profile)] = profile };
        if (profile != Embedded)
        {
            settings["Pools"] = new JsonObject { ["data"] = PoolOf(profile, machine, reasons) };
            AdjustKeys(profile, machine, reasons, settings);
            AdjustTransports(profile, machine, reasons, settings);
        }

        return new(profile, reasons, settings);
    }

    // In the order of what leaves the least choice.
    private static string Choose(Machine machine, List<Reason> reasons)
    {
        if (machine.Drives.Count == 0)
        {
            reasons.Add(new("no drive of 1GiB or more that stays in the machine", "volumes are files in a directory"));
            return Embedded;
        }

        if (!machine.Modules.Contains("dm-mod") && !machine.Modules.Contains("zfs"))
        {
            reasons.Add(new("the kernel has neither the device-mapper (dm-mod) nor OpenZFS (zfs)", "volumes are files in a directory"));
            return Embedded;
        }

        if (machine.IsGuest)
        {
            reasons.Add(new("a hypervisor is below", "the disk is thin and redundant where it is kept: volumes take their space when they are made"));
            return VirtualMachine;
        }

        if (machine.Drives.All(drive => drive.Transport == "mmc"))
        {
            reasons.Add(new($"{Named(machine.Drives)}: eMMC or SD and nothing else", "few writes, little metadata, one queue"));
            return Small;
        }

        if (machine.Memory < s_smallBelow)
        {
            reasons.Add(new($"{machine.Memory.ForPerson()} of memory, which is less than 4 GB", "little metadata, one queue"));
            return Small;
        }

        return machine.IsClusterNode ? ChooseForCluster(machine, reasons) : ChooseBySet(machine, reasons);
    }

    private static string ChooseForCluster(Machine machine, List<Reason> reasons)
    {
        DeviceReport[] alike = [.. Alike(machine)];
        if (alike.Length > 0 && alike[0].Size >= s_clusterFrom)
        {
            reasons.Add(new($"a node of a Kubernetes cluster, and {Named(alike)}", "thin logical volumes, volumes for pods over NVMe, container layers"));
            return Cluster;
        }

        reasons.Add(new("a node of a Kubernetes cluster, and no drive of 64 GB or more", $"too little for {Cluster}: it is taken for any other machine"));
        return ChooseBySet(machine, reasons);
    }

    private static string ChooseBySet(Machine machine, List<Reason> reasons)
    {
        DeviceReport[] alike = [.. Alike(machine)];
        string? lacks = alike.Length < ServerDrives ? $"{alike.Length} of one size: {Server} needs {ServerDrives}"
            : machine.Memory < s_serverFrom ? $"{machine.Memory.ForPerson()} of memory: {Server} needs 16 GB for ZFS's cache"
            : !machine.Modules.Contains("zfs") ? $"no OpenZFS in this kernel (module zfs), which {Server} needs"
            : null;
        if (lacks is null)
        {
            reasons.Add(new($"{Named(alike)}, {machine.Memory.ForPerson()} of memory, OpenZFS", "ZFS over all of them: one may fail, and what is damaged is found and mended"));
            return Server;
        }

        reasons.Add(new(alike.Length < ServerDrives ? $"{Named(machine.Drives)}; {lacks}" : lacks, "thin logical volumes"));
        return OneDrive;
    }

    private static JsonObject PoolOf(string profile, Machine machine, List<Reason> reasons)
    {
        DeviceReport[] free = [.. (profile is Server or OneDrive or Cluster ? Alike(machine) : machine.Drives).Where(drive => drive.Uses.Count == 0 && drive.Device is not null)];
        foreach (DeviceReport used in machine.Drives.Where(drive => drive.Uses.Count > 0))
        {
            reasons.Add(new($"{used.Name} is used: {string.Join(", ", used.Uses)}", $"it is left alone; a partition of it may be named, as {used.Device ?? used.Name}-part3"));
        }

        JsonObject pool = new() { ["Devices"] = new JsonArray([.. free.Select(drive => JsonValue.Create(drive.Device))]) };
        if (profile is OneDrive or Cluster && free.Length > 1)
        {
            reasons.Add(new($"{free.Length} free drives of one size", "a mirror: one may fail"));
            pool["Redundancy"] = "Mirror";
        }

        if (profile is Small or OneDrive or Cluster && (!machine.Modules.Contains("dm-thin-pool") || machine.Drives.Max(drive => drive.Size) < s_thinFrom))
        {
            reasons.Add(new(
                machine.Modules.Contains("dm-thin-pool") ? "less than 8 GB to have" : "no thin provisioning in this kernel (module dm-thin-pool)",
                "volumes take their space when they are made, and have no snapshots"));
            pool["Options"] = new JsonObject { ["Provisioning"] = "Thick" };
        }

        return pool;
    }

    private static void AdjustKeys(string profile, Machine machine, List<Reason> reasons, JsonObject settings)
    {
        if (profile is not (OneDrive or Server or Cluster))
        {
            reasons.Add(new(machine.HasTpm ? "a TPM 2.0" : "no TPM 2.0", $"{profile} encrypts nothing by itself; its page says how to"));
            return;
        }

        reasons.Add(machine.HasTpm
            ? new("a TPM 2.0", "it keeps the key of what is encrypted")
            : new("no TPM 2.0", "something has to bring the key to /run/evestorage/keys at each boot"));
        reasons.Add((machine.HasAes, profile) switch
        {
            (true, _) => new("AES instructions", "encryption costs little"),
            (false, Server) => new("no AES instructions", "ZFS encrypts slowly here; the profile's page says what is quicker"),
            _ => new("no AES instructions", "the cipher is adiantum"),
        });
        if (!machine.HasTpm)
        {
            settings["Keys"] = new JsonObject { ["Kind"] = "key-file" };
            Enable(settings, profile, "eve.keys", instead: "eve.tpm2-keys");
        }
    }

    private static void AdjustTransports(string profile, Machine machine, List<Reason> reasons, JsonObject settings)
    {
        if (machine.Modules.Contains("nvme-loop"))
        {
            reasons.Add(new("nvme-loop", "volumes are NVMe devices of this machine"));
            return;
        }

        (string plugin, string kind, string found) = machine.Modules.Contains("nvmet-tcp")
            ? ("eve.nvmet-tcp", "nvmet-tcp", "no nvme-loop in this kernel, but nvmet-tcp")
            : ("eve.nvmet-user", "nvmet-user", "neither nvme-loop nor nvmet-tcp in this kernel");
        reasons.Add(new(found, kind == "nvmet-tcp" ? "guests are served over NVMe/TCP by the kernel" : "guests are served over NVMe/TCP by the host itself"));
        settings["Transports"] = new JsonObject { ["tcp"] = new JsonObject { ["Kind"] = kind } };
        Enable(settings, profile, plugin, instead: null);
    }

    // A list of the settings replaces the profile's whole.
    private static void Enable(JsonObject settings, string profile, string plugin, string? instead)
    {
        IEnumerable<string?> enabled = settings["Plugins"]?["Enabled"] is JsonArray adjusted
            ? adjusted.Select(name => $"{name}")
            : ProfileSource.Read(profile).Merged.GetSection("Plugins:Enabled").GetChildren().Select(name => name.Value);
        string?[] wanted = [.. enabled.Where(name => name != instead && name != plugin), plugin];
        settings["Plugins"] = new JsonObject { ["Enabled"] = new JsonArray([.. wanted.Select(name => JsonValue.Create(name))]) };
    }

    // The largest set that one pool can be made of without wasting a tenth of a drive.
    private static IEnumerable<DeviceReport> Alike(Machine machine)
    {
        DeviceReport[] drives = [.. machine.Drives.Where(drive => drive.Transport != "mmc")];
        return drives.Select(one => drives.Where(other => other.Size <= one.Size && other.Size.Bytes >= one.Size.Bytes / 10 * 9))
            .OrderByDescending(set => set.Count()).ThenByDescending(set => set.Max(drive => drive.Size)).FirstOrDefault() ?? [];
    }

    private static string Named(IEnumerable<DeviceReport> drives)
        => string.Join(", ", drives.Select(drive => $"{drive.Name} of {drive.Size.ForPerson()}{(drive.Rotational ? ", which turns" : "")}"));
}
