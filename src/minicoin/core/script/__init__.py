"""Script as bytes: templates and addresses, assembly text, policy, sigop counts. Running scripts is the verifier's."""
