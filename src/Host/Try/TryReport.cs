using System.Globalization;
using System.Net;
using EveStorage.Cli;
using EveStorage.Cli.Api;
using EveStorage.Host.Images;
using EveStorage.Host.Plugins;
using EveStorage.Linux;
using EveStorage.NvmeOf;

namespace EveStorage.Host.Try;

/// <summary>What a try tells the person who started it.</summary>
internal sealed class TryReport(TextWriter output, TryDirectory directory, string image, ImageReport found)
{
    internal void Imported(OperationReport operation)
        => output.WriteLine($"imported   {image} ({found.Format}): a disk of {found.VirtualSize.ForPerson()}, {Written(operation).ForPerson()} written, in {directory.Path}");

    internal void Exported(NvmeTcpOptions guest)
    {
        output.WriteLine($"exported   tcp://{guest.Address}:{guest.Port} {guest.Subsystem}");
        output.WriteLine($"to host    {guest.Host} and no other");
    }

    internal void ReadBack(string digest) => output.WriteLine($"read back  over NVMe/TCP, all {found.VirtualSize.ForPerson()}: equal, sha256 {digest}");

    internal void HowToConnect(NvmeTcpOptions guest)
    {
        string[] missing =
            [
                .. FileOwner.Ours == 0 ? Array.Empty<string>() : ["root's rights"],
                .. PluginNeeds.Missing(["command:nvme"]).Select(_ => "nvme-cli (apt install nvme-cli)"),
                .. PluginNeeds.Missing(["module:nvme_tcp"]).Select(_ => "the kernel module nvme_tcp"),
            ];
        output.WriteLine();
        output.WriteLine(missing.Length == 0
            ? "This machine can connect:"
            : $"To connect, this machine lacks {string.Join(", ", missing)}. Where there is all of it:");
        IReadOnlyDictionary<string, string> lines = ConnectLines.Of(new(IPAddress.Parse(guest.Address), guest.Port), guest.Subsystem, [new(guest.Host, HasKey: false, HasControllerKey: false)]);
        output.WriteLine($"  {lines["nvme connect"]}");
        output.WriteLine("  mount -o ro /dev/nvme0n1 /mnt        # `nvme list` names the device; a partition is /dev/nvme0n1p1");
        output.WriteLine($"  umount /mnt; nvme disconnect -n {guest.Subsystem}");
        output.WriteLine("A QEMU guest on the user network connects by itself (QEMU has no part in it), in the guest:");
        output.WriteLine($"  {lines["nvme connect in the qemu guest"]}");
    }

    internal void Waiting() => output.WriteLine("Ctrl-C ends the export.");

    /// <summary>What a program is told, once everything was read back and is equal.</summary>
    internal static object Document(ImageReport image, TryDirectory directory, OperationReport imported, NvmeTcpOptions guest) => new
    {
        image.Format,
        image.VirtualSize,
        Written = Written(imported),
        Sha256 = imported.Results["sha256"],
        Directory = directory.Path,
        Address = $"tcp://{guest.Address}:{guest.Port}",
        Subsystem = $"{guest.Subsystem}",
        Host = $"{guest.Host}",
    };

    private static ByteSize Written(OperationReport imported) => new(long.Parse(imported.Results["written"], CultureInfo.InvariantCulture));

    internal void Leaving(IReadOnlyList<ExportReport> exports)
    {
        string[] connected = [.. exports.SelectMany(export => export.ConnectedHosts)];
        output.WriteLine(connected.Length == 0 ? "nobody is connected" : $"connected, and let go now: {string.Join(", ", connected)}");
    }

    internal void Last(bool kept)
    {
        if (kept)
        {
            File.WriteAllText(Path.Combine(directory.Path, "keep"), "");
            output.WriteLine($"kept       {directory.Path}");
        }

        output.WriteLine("To install: `eng/publish PROFILE DIRECTORY`, as README.md says; `profile detect` tells which profile.");
    }
}
