using System.Net;
using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>The target's controllers: which host gets one, which it has, and what it is told.</summary>
internal sealed partial class Target
{
    /// <summary>Whether a host may not connect to the subsystem it names; unknown when nobody may.</summary>
    internal bool Refuses(ConnectData connect, IPEndPoint remote, out bool unknown)
    {
        unknown = false;
        if (connect.Subsystem == DiscoveryEntry.DiscoverySubsystem)
        {
            return connect.Host.Length == 0;
        }

        if (Exports.VisibleTo(connect.Host, connect.Subsystem).Length > 0)
        {
            return false;
        }

        // Neither status says "do not retry": after a restart a host may come back before its volume is exported again.
        unknown = !Exports.All.Any(e => e.Subsystem == connect.Subsystem);
        string why = unknown ? "which is not served" : "which does not list it among its allowed hosts";
        _events.Report("host.refused", TargetEvents.Printable(connect.Subsystem), $"{TargetEvents.Printable(connect.Host)} at {remote} asked for the subsystem, {why}");
        return true;
    }

    /// <summary>Makes a controller for a host that is not refused. There are more numbers than there may be connections.</summary>
    internal Controller AddController(ConnectData connect, QueueConnection admin, bool needsProof)
    {
        Controller controller;
        lock (_gate)
        {
            do
            {
                _lastController = (ushort)(_lastController >= 0xFFEF ? 1 : _lastController + 1);   // FFF0h and up are reserved
            }
            while (_controllers.ContainsKey(_lastController));

            controller = new(_lastController, connect, admin, Options) { NeedsProof = needsProof, Visible = Exports.VisibleTo(connect.Host, connect.Subsystem) };
            _controllers.Add(controller.Id, controller);
        }

        return controller;
    }

    /// <summary>What a host has to prove for a subsystem; null when it need not.</summary>
    internal ControllerAuthentication? ExchangeWith(ConnectData connect)
    {
        Export[] visible = Exports.VisibleTo(connect.Host, connect.Subsystem);
        return visible is [Export first, ..] && first.Secrets.Of(connect.Host) is (DhChapSecret host, var controller)
            ? new(new()
            {
                Host = connect.Host,
                Subsystem = connect.Subsystem,
                HostSecret = host,
                ControllerSecret = controller,
                Hash = Options.AuthenticationHash,
                Group = Options.AuthenticationGroup,
            })
            : null;
    }

    /// <summary>A host has proven its key, or need not.</summary>
    internal void NoteProven(Controller controller, QueueConnection connection)
    {
        if (connection == controller.Admin)
        {
            controller.IsProven = true;
            if (!controller.IsDiscovery)
            {
                _events.Report("host.connected", SubjectOf(controller), $"{controller.Host} connected from {connection.Remote}");
            }
        }
    }

    /// <summary>A host has not proven its key.</summary>
    internal void NoteRefused(Controller controller, QueueConnection connection, string why)
        => _events.Report("host.refused", SubjectOf(controller), $"{controller.Host} at {connection.Remote} {why}");

    /// <summary>Cuts the hosts whose keys were changed: they have to prove the new ones.</summary>
    internal void CutRekeyed(Export before, Export after)
    {
        lock (_gate)
        {
            foreach (Controller controller in _controllers.Values.Where(c => c.Subsystem == after.Subsystem))
            {
                AllowedHost? now = after.AllowedHostOf(controller.Host);
                if (now is not null && before.AllowedHostOf(controller.Host) is AllowedHost then && then != now)
                {
                    controller.Admin.Cut();
                }
            }
        }
    }

    /// <summary>A controller's admin queue has ended, and so do its others.</summary>
    internal void Remove(Controller controller)
    {
        lock (_gate)
        {
            _controllers.Remove(controller.Id);
        }

        controller.CutQueues();
        if (controller.IsProven && !controller.IsDiscovery)
        {
            _events.Report("host.disconnected", SubjectOf(controller), $"{controller.Host} at {controller.Admin.Remote} is gone");
        }
    }

    /// <summary>The controller of that number; null when there is none.</summary>
    internal Controller? FindController(ushort id)
    {
        lock (_gate)
        {
            return _controllers.GetValueOrDefault(id);
        }
    }

    /// <summary>The hosts that are connected and see <paramref name="export"/>.</summary>
    internal IReadOnlyList<HostNqn> HostsOf(Export export)
    {
        lock (_gate)
        {
            return [.. _controllers.Values.Where(c => c.IsProven && c.Subsystem == export.Subsystem && export.Allows(c.Host)).Select(c => c.Host).Distinct().Select(h => new HostNqn(h))];
        }
    }

    /// <summary>Lets every controller see what its host may see now, and tells it.</summary>
    /// <param name="changed">What was and what is: namespaces that were added, removed or changed.</param>
    internal void Announce(params ReadOnlySpan<Export?> changed)
    {
        lock (_gate)
        {
            foreach (Controller controller in _controllers.Values)
            {
                controller.Visible = Exports.VisibleTo(controller.Host, controller.Subsystem);
                foreach (Export? export in changed)
                {
                    if (export is not null && export.Allows(controller.Host) && (controller.IsDiscovery || controller.Subsystem == export.Subsystem))
                    {
                        controller.Events.Report(controller.IsDiscovery ? 0 : export.NamespaceId);
                        controller.Admin.Wake();
                    }
                }
            }
        }
    }

    /// <summary>The discovery log's entries for a host that connected to <paramref name="local"/>.</summary>
    internal DiscoveryEntry[] EntriesFor(string host, IPEndPoint local)
        => [.. Exports.All.Where(e => e.Allows(host)).Select(e => e.Subsystem).Distinct().Order(StringComparer.Ordinal)
            .Select(s => new DiscoveryEntry(s, $"{local.Address}", local.Port))];

    /// <summary>SN: from the id of the subsystem's first volume, so that it is the same after a restart.</summary>
    internal string SerialOf(Controller controller)
        => controller.IsDiscovery
            ? "discovery"
            : Exports.All.Where(e => e.Subsystem == controller.Subsystem).MinBy(e => e.NamespaceId)?.Spec.VolumeId.ToString("N")[..20] ?? $"{controller.Id}";

    private static string SubjectOf(Controller controller) => controller.Visible is [Export first, ..] ? first.Spec.Subject : controller.Subsystem;
}
