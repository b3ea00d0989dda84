using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>What the kernel knows of a host beside its name, taken before it is changed: its keys, and how they are proved.</summary>
internal sealed class HostState
{
    private static readonly string[] s_open = ["dhchap_hash", "dhchap_dhgroup"];
    private static readonly string[] s_secret = ["dhchap_key", "dhchap_ctrl_key"];

    private readonly (string Name, string? Value)[] _open;
    private readonly (string Name, KeyMaterial? Secret)[] _secrets;

    private HostState(string path)
    {
        _open = [.. s_open.Select(name => (name, Configfs.Find($"{path}/{name}")))];
        _secrets = [.. s_secret.Select(name => (name, SecretAttribute.Take($"{path}/{name}")))];
    }

    /// <summary>Takes what the host at <paramref name="path"/> has.</summary>
    internal static HostState Take(string path) => new(path);

    /// <summary>Gives it back, once: no copy of a secret stays behind.</summary>
    internal void GiveBack(string path)
    {
        foreach ((string name, string? value) in _open)
        {
            if (value is not null && Configfs.Find($"{path}/{name}") != value)
            {
                Configfs.Write($"{path}/{name}", value);
            }
        }

        foreach ((string name, KeyMaterial? secret) in _secrets)
        {
            SecretAttribute.Set($"{path}/{name}", secret is null ? [] : secret.Bytes);
            secret?.Dispose();
        }
    }
}
