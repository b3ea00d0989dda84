using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>
/// Makes a host known, with the keys that it and the controller have to prove. Hosts are shared by all subsystems, so one that
/// we did not make is left as it is, and one that another subsystem allows keeps the keys that it has.
/// </summary>
internal sealed class MakeHost(NvmetTree tree, Nqn subsystem, AllowedHost host, HostSecrets? secrets, DhChapChoice choice)
    : NvmetStep(tree, $"make host {host.Host}{Keys(host)}")
{
    private bool _hasKeys;
    private HostState? _before;

    private string Directory => Tree.PathOf(host.Host);

    /// <summary>Looks also at the keys, which takes their source.</summary>
    /// <param name="ending">The subsystems that an earlier step of the plan removes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal async Task<NvmetStep> LookAsync(IReadOnlyList<Nqn> ending, CancellationToken cancellationToken)
    {
        _hasKeys = await HasKeysAsync(cancellationToken);
        if (!_hasKeys && Configfs.IsDirectory(Directory))
        {
            RequireChangeable(ending);
        }

        return Look();
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        _hasKeys = await HasKeysAsync(cancellationToken);
        return await base.ApplyAsync(context, cancellationToken);
    }

    protected override bool IsSo(Guid? operation) => _hasKeys && Configfs.IsDirectory(Directory) && IsProvedAsChosen;

    protected override bool IsOf(Guid operation) => Tree.Marks.Find(Directory) == operation;

    protected override async ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (!Tree.Marks.Make(Directory, operation, () => Configfs.Make(Directory)))
        {
            if (!_hasKeys)
            {
                RequireChangeable([]);
            }

            _before ??= HostState.Take(Directory);
        }

        if (File.Exists($"{Directory}/dhchap_key"))
        {
            // The hash first: the kernel takes a key in the form that the hash has.
            Set("dhchap_hash", host.Key is null ? null : choice.Hash);
            Set("dhchap_dhgroup", host.Key is null ? null : choice.Group);
            await SetKeyAsync("dhchap_key", host.Key, cancellationToken);
            await SetKeyAsync("dhchap_ctrl_key", host.ControllerKey, cancellationToken);
        }
        else if (host.Key is not null)
        {
            throw new StorageException(StorageErrorKind.NotSupported, $"{host.Host}", "has to prove a key, and this kernel can't ask for it (CONFIG_NVME_TARGET_AUTH)");
        }
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (!IsOf(operation))
        {
            _before?.GiveBack(Directory);   // an earlier operation made it, and this one may have changed it
            _before = null;
        }
        else if (!Tree.IsAllowedAnywhere(host.Host))
        {
            Tree.Remove(Directory);
        }

        return default;
    }

    // One that we did not make is used as it is. A choice that changed changes no key, so other exports of the host don't mind.
    private bool IsProvedAsChosen
        => host.Key is null || Tree.Marks.Find(Directory) is null || (Is("dhchap_hash", choice.Hash) && Is("dhchap_dhgroup", choice.Group));

    private static string Keys(AllowedHost host)
        => (host.Key, host.ControllerKey) switch
        {
            (null, _) => "",
            (KeyName key, null) => $", which proves key {key}",
            (KeyName key, KeyName controller) => $", which proves key {key} and is shown key {controller}",
        };

    private async Task<bool> HasKeysAsync(CancellationToken cancellationToken)
        => await IsKeyAsync("dhchap_key", host.Key, cancellationToken) && await IsKeyAsync("dhchap_ctrl_key", host.ControllerKey, cancellationToken);

    private async Task<bool> IsKeyAsync(string name, KeyName? key, CancellationToken cancellationToken)
    {
        if (key is not KeyName named)
        {
            return SecretAttribute.Is($"{Directory}/{name}", []);
        }

        using KeyMaterial wanted = await SecretAsync(named, cancellationToken);
        return SecretAttribute.Is($"{Directory}/{name}", wanted.Bytes);
    }

    private async Task SetKeyAsync(string name, KeyName? key, CancellationToken cancellationToken)
    {
        using KeyMaterial wanted = key is KeyName named ? await SecretAsync(named, cancellationToken) : new(0);
        SecretAttribute.Set($"{Directory}/{name}", wanted.Bytes);
    }

    private bool Is(string name, string value) => Configfs.Find($"{Directory}/{name}") is not string now || now == value;

    private void Set(string name, string? value)
    {
        string path = $"{Directory}/{name}";
        if (value is not null && !Is(name, value))
        {
            Configfs.Write(path, value);
        }
    }

    private ValueTask<KeyMaterial> SecretAsync(KeyName key, CancellationToken cancellationToken)
        => secrets is null
            ? throw new StorageException(StorageErrorKind.NotSupported, $"{host.Host}", $"has to prove key {key}, and the profile declares no source of keys")
            : secrets(key, cancellationToken);

    private void RequireChangeable(IReadOnlyList<Nqn> ending)
    {
        if (Tree.Marks.Find(Directory) is null)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{host.Host}", "is known to the kernel with other keys and was not made by us: remove it there, or take another host name");
        }

        if (Tree.AllowedBy(host.Host).Except(ending.Append(subsystem).Select(s => $"{s}")).FirstOrDefault() is string other)
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{host.Host}", $"has other keys for {other}, and the kernel knows one pair a host: name the same keys, or end that export");
        }
    }
}
