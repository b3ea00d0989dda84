using System.Buffers.Binary;
using System.Text;
using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>The data that Identify and Get Log Page return.</summary>
internal sealed class AdminPages(Target target, Controller controller, QueueConnection connection)
{
    private const string Firmware = "0.1";
    private const byte ReadOnlyBit = 1;
    private const byte SharedBit = 1;
    private const uint AllNamespaces = 0xFFFFFFFF;

    // CSUPP, and with LBCC for what changes data.
    private const uint Supported = 1;
    private const uint ChangesData = 3;

    private static readonly AdminOpcode[] s_admin =
    [
        AdminOpcode.GetLogPage, AdminOpcode.Identify, AdminOpcode.Abort, AdminOpcode.SetFeatures, AdminOpcode.GetFeatures,
        AdminOpcode.AsyncEventRequest, AdminOpcode.KeepAlive,
    ];

    internal NvmeStatus Read(SubmissionEntry entry, out byte[] page)
    {
        if (entry.Opcode == (byte)AdminOpcode.GetLogPage)
        {
            return ReadLog(entry, out page);
        }

        page = new byte[ControllerIdentity.Size];
        return Identify(entry, page);
    }

    // NVMe base specification 2.0, "Identify command".
    private NvmeStatus Identify(SubmissionEntry entry, Span<byte> page)
    {
        IdentifyStructure structure = (IdentifyStructure)(byte)entry.Dword10;
        bool ofNvm = entry.Dword11 >> 24 == 0;   // CSI
        if (structure == IdentifyStructure.Controller)
        {
            IdentifyController(page);
            return NvmeStatus.Success;
        }

        if (controller.IsDiscovery)
        {
            return NvmeStatus.InvalidField;
        }

        switch (structure)
        {
            case IdentifyStructure.ActiveNamespaces:
            case IdentifyStructure.CommandSetActiveNamespaces when ofNvm:
                return ListNamespaces(entry.NamespaceId, page);
            case IdentifyStructure.CommandSetController when ofNvm:
                page[1] = 13;   // WZSL: 2^13 pages of 4KiB, which is as many blocks as one command can name
                return NvmeStatus.Success;
            case IdentifyStructure.CommandSets:
                page[0] = 1;   // the NVM command set, and no other with it
                return NvmeStatus.Success;
            case IdentifyStructure.Namespace:
            case IdentifyStructure.NamespaceIdentification:
            case IdentifyStructure.CommandSetNamespace when ofNvm:
            case IdentifyStructure.IndependentNamespace:
                return IdentifyNamespace(structure, entry.NamespaceId, page);
            default:
                return NvmeStatus.InvalidField;
        }
    }

    private NvmeStatus IdentifyNamespace(IdentifyStructure structure, uint namespaceId, Span<byte> page)
    {
        if (namespaceId is 0 or AllNamespaces)
        {
            return NvmeStatus.InvalidNamespace;
        }

        if (controller.Find(namespaceId) is not Export export)
        {
            // Of one that is not active there are zeros, and no descriptors.
            return namespaceId <= Limits.MaxNamespaces && structure != IdentifyStructure.NamespaceIdentification
                ? NvmeStatus.Success
                : NvmeStatus.InvalidNamespace;
        }

        bool readOnly = export.Volume.ReadOnly;
        switch (structure)
        {
            case IdentifyStructure.Namespace:
                new NamespaceIdentity { Blocks = (ulong)export.Volume.Blocks, Id = export.Spec.VolumeId, ReadOnly = readOnly }.Write(page);
                break;
            case IdentifyStructure.NamespaceIdentification:
                NamespaceIdentity.WriteIdentification(page, export.Spec.VolumeId);
                break;
            case IdentifyStructure.IndependentNamespace:
                page[1] = SharedBit;   // NMIC
                page[8] = readOnly ? ReadOnlyBit : (byte)0;   // NSATTR
                page[14] = 1;   // NSTAT: it is ready
                break;
            default:
                break;   // of the NVM command set's own there is nothing to say
        }

        return NvmeStatus.Success;
    }

    private void IdentifyController(Span<byte> page)
        => new ControllerIdentity
        {
            Serial = target.SerialOf(controller),
            Model = "EveStorage",
            Firmware = Firmware,
            Subsystem = controller.Subsystem,
            ControllerId = controller.Id,
            MaxTransfer = Limits.MaxTransfer,
            Version = ControllerRegisters.Version,
            Events = controller.Events.Supported,
            Type = controller.IsDiscovery ? (byte)2 : (byte)1,
            MaxNamespaces = controller.IsDiscovery ? 0u : Limits.MaxNamespaces,
            OptionalCommands = (1 << 2) | (1 << 3),   // Dataset Management, Write Zeroes
            WriteCache = controller.IsDiscovery ? (byte)0 : (byte)5,   // there is one; a Flush is of one namespace
            InCapsuleData = controller.InCapsule,
            MaxCommands = (ushort)target.Options.QueueDepth,
        }.Write(page);

    private NvmeStatus ListNamespaces(uint after, Span<byte> page)
    {
        if (after >= 0xFFFFFFFE)
        {
            return NvmeStatus.InvalidNamespace;
        }

        int at = 0;
        foreach (Export export in controller.Visible.Where(e => e.NamespaceId > after).Take(page.Length / sizeof(uint)))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(page[at..], export.NamespaceId);
            at += sizeof(uint);
        }

        return NvmeStatus.Success;
    }

    // NVMe base specification 2.0, "Get Log Page command": dwords from 0, an offset in bytes, and zeros beyond a page's end.
    private NvmeStatus ReadLog(SubmissionEntry entry, out byte[] page)
    {
        page = [];
        ulong length = (((ulong)(entry.Dword11 & 0xFFFF) << 16) + (entry.Dword10 >> 16) + 1) * 4;
        ulong offset = entry.Dword12 | ((ulong)entry.Dword13 << 32);
        if (length > Limits.MaxTransfer || offset % 4 != 0)
        {
            return NvmeStatus.InvalidField;
        }

        bool keep = (entry.Dword10 & (1 << 15)) != 0;   // RAE
        LogPage wanted = (LogPage)(byte)entry.Dword10;
        byte[]? whole = controller.IsDiscovery
            ? wanted == LogPage.Discovery ? DiscoveryLog(keep) : null
            : wanted switch
            {
                LogPage.Error => new byte[64],   // ELPE is 0: one entry, and it is empty
                LogPage.Health => Health(),
                LogPage.Firmware => FirmwareSlots(),
                LogPage.ChangedNamespaces => ChangedNamespaces(keep),
                LogPage.CommandEffects => Effects(),
                _ => null,
            };
        if (whole is null)
        {
            return NvmeStatus.InvalidLogPage;
        }

        if (offset > (ulong)whole.Length)
        {
            return NvmeStatus.InvalidField;
        }

        page = new byte[length];
        ReadOnlySpan<byte> rest = whole.AsSpan((int)offset);
        rest[..Math.Min(rest.Length, page.Length)].CopyTo(page);
        return NvmeStatus.Success;
    }

    private byte[] DiscoveryLog(bool keep)
    {
        controller.Events.ReadChanged(keep);
        DiscoveryEntry[] entries = target.EntriesFor(controller.Host, connection.Local);
        byte[] log = new byte[(entries.Length + 1) * DiscoveryEntry.Size];
        DiscoveryEntry.WriteHeader(log, target.Exports.Generation, entries.Length);
        for (int i = 0; i < entries.Length; i++)
        {
            entries[i].Write(log.AsSpan((i + 1) * DiscoveryEntry.Size));
        }

        return log;
    }

    private byte[] Health()
    {
        byte[] page = new byte[512];
        IoCounters done = controller.Count();
        page[3] = 100;   // available spare, in percent: what wears out is not ours
        page[4] = 10;   // and its threshold
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(32), Units(done.ReadBlocks));
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(48), Units(done.WrittenBlocks));
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(64), done.Reads);
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(80), done.Writes);
        page[0] = controller.Visible.Any(e => e.Volume.SyncFailed) ? (byte)8 : (byte)0;   // critical warning: read-only
        return page;
    }

    // Thousands of 512 bytes, rounded up.
    private static ulong Units(ulong blocks) => (blocks + 999) / 1000;

    private static byte[] FirmwareSlots()
    {
        byte[] page = new byte[512];
        page[0] = 1;   // AFI: slot 1
        page.AsSpan(8, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Firmware, page.AsSpan(8, 8));
        return page;
    }

    private byte[] ChangedNamespaces(bool keep)
    {
        byte[] page = new byte[Limits.MaxNamespaces * sizeof(uint)];
        uint[] changed = controller.Events.ReadChanged(keep);
        for (int i = 0; i < Math.Min(changed.Length, Limits.MaxNamespaces); i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(i * sizeof(uint)), changed[i]);
        }

        return page;
    }

    private static byte[] Effects()
    {
        byte[] page = new byte[4096];
        foreach (AdminOpcode opcode in s_admin)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan((int)opcode * 4), Supported);
        }

        foreach (IoOpcode opcode in Enum.GetValues<IoOpcode>())
        {
            uint effect = opcode is IoOpcode.Read or IoOpcode.Flush ? Supported : ChangesData;
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(1024 + ((int)opcode * 4)), effect);
        }

        return page;
    }
}
